using System.CommandLine;
using System.Net;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns;
using StatefulRelocate.Dns.Control;

namespace StatefulRelocate.Cli.Dns;

/// <summary>A DNS server of the configuration, and where its state is.</summary>
internal sealed record DnsServerEntry(string Name, DnsServerConfig Config, string StateDirectory)
{
    public IPEndPoint Listen => IPEndPoint.Parse(Config.Listen);

    public string ControlSocket => Path.Combine(StateDirectory, EmbeddedDnsOptions.ControlSocketName);

    public string LogFile => Path.Combine(StateDirectory, "dns.log");

    public DnsControlClient Control() => new(ControlSocket, TimeProvider.System);

    /// <summary>All of them, in the order of their names.</summary>
    public static IReadOnlyList<DnsServerEntry> All(GlobalOptions globals, ParseResult parse)
    {
        var (path, named) = globals.ConfigPath(parse);
        var state = globals.StateDirectory(parse);
        return [.. ConfigFile.Load(path, named).DnsServers.Select(each => new DnsServerEntry(each.Key, each.Value, each.Value.State ?? Path.Combine(state, "dns", each.Key)))];
    }

    /// <summary>The one that is named, or the only one.</summary>
    public static DnsServerEntry One(GlobalOptions globals, ParseResult parse, string? name)
    {
        var all = All(globals, parse);
        var path = globals.ConfigPath(parse).Path;
        return (name, all) switch
        {
            (_, []) => throw new RelocateException($"{path}: no DNS server is declared; add 'dns: {{local: {{listen: \"127.0.0.53:5353\", zones: [edge.test]}}}}'"),
            (null, [var only]) => only,
            (null, _) => throw new RelocateException($"several DNS servers are declared ({Names(all)}); name one of them"),
            _ => all.FirstOrDefault(entry => entry.Name == name) ?? throw new RelocateException($"{path}: DNS server '{name}' is not declared; there are: {Names(all)}"),
        };
    }

    /// <summary>The one that is named, or the one that serves the zone.</summary>
    public static DnsServerEntry ForZone(GlobalOptions globals, ParseResult parse, string? name, string zone)
    {
        if (name is not null)
            return One(globals, parse, name);
        var all = All(globals, parse);
        var serving = all.Where(entry => entry.Config.Zones.Any(each => string.Equals(each.TrimEnd('.'), zone.TrimEnd('.'), StringComparison.OrdinalIgnoreCase))).ToList();
        return serving switch
        {
            [var only] => only,
            [] => throw new RelocateException($"{globals.ConfigPath(parse).Path}: no DNS server serves zone '{zone}'; zones: {Zones(all)}"),
            _ => throw new RelocateException($"several DNS servers serve zone '{zone}' ({Names(serving)}); name one with --server"),
        };
    }

    private static string Names(IEnumerable<DnsServerEntry> entries) => string.Join(", ", entries.Select(entry => entry.Name));

    private static string Zones(IReadOnlyList<DnsServerEntry> entries)
    {
        var zones = string.Join(", ", entries.SelectMany(entry => entry.Config.Zones));
        return zones.Length > 0 ? zones : "none";
    }
}
