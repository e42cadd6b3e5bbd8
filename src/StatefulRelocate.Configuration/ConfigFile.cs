using System.Collections.Immutable;
using StatefulRelocate.Configuration.Yaml;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Repositories;

namespace StatefulRelocate.Configuration;

/// <summary>Reads the configuration (<c>kind: Config</c>).</summary>
public static class ConfigFile
{
    /// <summary>Reads a file. Relative paths in it resolve against its directory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="named">Whether the user named it; one that was not named may be missing, and then everything is empty.</param>
    /// <exception cref="RelocateException">The file is missing or wrong; the message has file, line and column.</exception>
    public static RelocateConfig Load(string path, bool named)
    {
        if (!named && !File.Exists(path))
            return new RelocateConfig();
        var file = YamlFile.Load(path, "Config", "engine", "repositories", "clusters", "dns");
        return new RelocateConfig
        {
            Path = Path.GetFullPath(path),
            Engine = file.Optional("engine", EngineKind.Embedded, value => value.OneOf(("embedded", EngineKind.Embedded), ("temporal", EngineKind.Temporal))),
            Repositories = Named(file, "repositories", ReadRepository),
            Clusters = ReadClusters(file),
            DnsServers = Named(file, "dns", ReadDnsServer),
        };
    }

    private static ImmutableSortedDictionary<string, T> Named<T>(YamlFields file, string field, Func<YamlValue, T> read)
    {
        var entries = ImmutableSortedDictionary.CreateBuilder<string, T>(StringComparer.Ordinal);
        if (file.TryGet(field, out var mapping))
        {
            foreach (var (name, value) in mapping.Entries())
                entries.Add(name.Label(), read(value));
        }

        return entries.ToImmutable();
    }

    private static RepositoryConfig ReadRepository(YamlValue value)
    {
        string[] secrets = ["keyFile", "keyCommand", "passphraseFile", "passphraseCommand"];
        var fields = value.Fields(["url", .. secrets]);
        var given = secrets.Where(name => fields.TryGet(name, out _)).ToList();
        if (given.Count > 1)
            throw fields.Required(given[1]).Error($"{value.Path} has both {Words.And(given)}", "keep one of them");
        return new RepositoryConfig
        {
            Url = ReadUrl(fields.Required("url")),
            KeyFile = fields.OptionalClass("keyFile", CheckedNames.FilePath),
            KeyCommand = fields.Optional("keyCommand", [], command => AppCommand.Read(command, templates: null)),
            PassphraseFile = fields.OptionalClass("passphraseFile", CheckedNames.FilePath),
            PassphraseCommand = fields.Optional("passphraseCommand", [], command => AppCommand.Read(command, templates: null)),
        };
    }

    private static string ReadUrl(YamlValue value)
    {
        try
        {
            return RepositoryUrl.Parse(value.NonEmptyText()).WithPaths(path => CheckedNames.Resolve(value, path)).ToString();
        }
        catch (RelocateException error)
        {
            throw value.Error($"{value.Path}: {error.Message}", "see docs/object-stores.md");
        }
    }

    private static ImmutableSortedDictionary<string, ClusterConfig> ReadClusters(YamlFields file)
    {
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        return Named(file, "clusters", value =>
        {
            var fields = value.Fields("type", "address", "state");
            var cluster = new ClusterConfig
            {
                Type = fields.Optional("type", "local", type => type.OneOf(("local", "local"))),
                Address = fields.Required("address").Address(),
                State = fields.OptionalClass("state", CheckedNames.FilePath),
            };
            // Both clusters serve on the same port, so each needs an address of its own; and two agents in one directory would fight.
            Claim(fields.Required("address"), cluster.Address);
            if (cluster.State is not null)
                Claim(fields.Required("state"), cluster.State);
            return cluster;
        });

        void Claim(YamlValue value, string what)
        {
            if (!owners.TryAdd(what, value.Path))
                throw value.Error($"{value.Path} is the same as {owners[what]}: {what}", "give each cluster its own");
        }
    }

    private static DnsServerConfig ReadDnsServer(YamlValue value)
    {
        var fields = value.Fields("type", "listen", "zones", "state");
        return new DnsServerConfig
        {
            Type = fields.Optional("type", "embedded", type => type.OneOf(("embedded", "embedded"))),
            Listen = fields.Required("listen").Endpoint(),
            Zones = fields.Optional("zones", [], zones => zones.List(CheckedNames.DnsName)),
            State = fields.OptionalClass("state", CheckedNames.FilePath),
        };
    }
}
