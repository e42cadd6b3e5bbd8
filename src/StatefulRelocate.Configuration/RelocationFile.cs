using StatefulRelocate.Configuration.Yaml;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Configuration;

/// <summary>Reads what the user asks for (<c>kind: Relocation</c>).</summary>
public static class RelocationFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">When given, every name in the file must be known there; the error has the name's line and column.</param>
    /// <exception cref="RelocateException">The file is missing or wrong; the message has file, line and column.</exception>
    public static RelocationSpec Load(string path, RelocateConfig? config = null)
    {
        var file = YamlFile.Load(path, "Relocation", "app", "source", "target", "repository", "dns", "cutover", "sourceRetention");
        var (source, target) = (file.Required("source"), file.Required("target"));
        var spec = new RelocationSpec
        {
            App = file.Required("app").Label(),
            Source = source.Label(),
            Target = target.Label(),
            Repository = file.Required("repository").Label(),
            Dns = ReadDns(file.Required("dns"), config),
            Cutover = file.Optional("cutover", new CutoverSpec(), ReadCutover),
            SourceRetention = file.Optional("sourceRetention", TimeSpan.FromHours(24), value => value.Duration(TimeSpan.Zero, Duration.Longest)),
        };
        if (spec.Source == spec.Target)
            throw target.Error($"source and target are both '{spec.Target}'", "name two clusters");
        if (config is not null)
        {
            MustKnow(source, "cluster", config.Clusters.Keys, config);
            MustKnow(target, "cluster", config.Clusters.Keys, config);
            MustKnow(file.Required("repository"), "repository", config.Repositories.Keys, config);
        }

        return spec;
    }

    private static DnsSpec ReadDns(YamlValue value, RelocateConfig? config)
    {
        var fields = value.Fields("server", "zone", "name", "ttl");
        var dns = new DnsSpec
        {
            Server = fields.Optional("server", "local", server => server.Label()),
            Zone = fields.Required("zone").DnsName(),
            Name = fields.Required("name").DnsName(),
            Ttl = fields.Optional("ttl", TimeSpan.FromSeconds(1), ReadTtl),
        };
        if (config is null)
            return dns;

        var server = fields.TryGet("server", out var given) ? given : value;
        if (!config.DnsServers.ContainsKey(dns.Server))
            MustKnow(server, "DNS server", config.DnsServers.Keys, config, dns.Server);
        var zones = config.DnsServers[dns.Server].Zones;
        if (!zones.IsEmpty && !zones.Contains(dns.Zone))
            throw fields.Required("zone").Error($"the DNS server '{dns.Server}' does not serve the zone '{dns.Zone}'", $"it serves {Words.And(zones)}; add the zone in {config.Path}, or name another");
        return dns;
    }

    // A TTL is a whole number of seconds on the wire (RFC 2181 §8).
    private static TimeSpan ReadTtl(YamlValue value)
    {
        var ttl = value.Duration(TimeSpan.Zero, TimeSpan.FromDays(1));
        return ttl.Ticks % TimeSpan.TicksPerSecond == 0 ? ttl : throw value.Error($"{value.Path} is {value.Text()}", "write whole seconds, as in 1s");
    }

    private static CutoverSpec ReadCutover(YamlValue value)
    {
        var fields = value.Fields("quiesce", "maxDowntime", "maxRounds", "minimumGain", "onNoConvergence", "maxBlackout", "approval", "changedRanges");
        var otherwise = new CutoverSpec();
        var cutover = new CutoverSpec
        {
            Quiesce = fields.Optional("quiesce", otherwise.Quiesce, mode => mode.OneOf(("stop", QuiesceMode.Stop), ("freeze", QuiesceMode.Freeze))),
            MaxDowntime = fields.Optional("maxDowntime", otherwise.MaxDowntime, time => time.Duration(TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1))),
            MaxRounds = fields.Optional("maxRounds", otherwise.MaxRounds, rounds => rounds.Number(1, 100)),
            MinimumGain = fields.Optional("minimumGain", otherwise.MinimumGain, gain => gain.Fraction(0, 0.99)),
            OnNoConvergence = fields.Optional("onNoConvergence", otherwise.OnNoConvergence,
                policy => policy.OneOf(("abort", NoConvergencePolicy.Abort), ("cutover-anyway", NoConvergencePolicy.CutoverAnyway))),
            MaxBlackout = fields.Optional("maxBlackout", otherwise.MaxBlackout, time => time.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromHours(1))),
            Approval = fields.Optional("approval", otherwise.Approval, flag => flag.Flag()),
            ChangedRanges = fields.Optional("changedRanges", otherwise.ChangedRanges,
                source => source.OneOf(("auto", RangeSource.Auto), ("scan", RangeSource.Scan), ("reflink", RangeSource.Reflink))),
        };
        if (cutover.MaxBlackout < cutover.MaxDowntime)
        {
            var place = fields.TryGet("maxBlackout", out var given) ? given : fields.Required("maxDowntime");
            throw place.Error(
                $"maxBlackout ({Duration.Format(cutover.MaxBlackout)}) is shorter than maxDowntime ({Duration.Format(cutover.MaxDowntime)})",
                "the blackout is cut off at maxBlackout, so make it the longer of the two");
        }

        return cutover;
    }

    private static void MustKnow(YamlValue value, string what, IEnumerable<string> known, RelocateConfig config, string? name = null)
    {
        name ??= value.Text();
        var names = known.ToList();
        if (names.Contains(name))
            return;
        var where = config.Path ?? "the configuration (there is no file; make one, or name it with --config)";
        throw value.Error($"there is no {what} '{name}'",
            Nearest.Suggest(name, names) ?? (names.Count == 0 ? $"declare it in {where}" : $"{where} has {Words.And(names)}"));
    }
}
