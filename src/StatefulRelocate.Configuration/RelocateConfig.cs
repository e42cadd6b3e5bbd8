using System.Collections.Immutable;

namespace StatefulRelocate.Configuration;

/// <summary>The operator's configuration: names for repositories, clusters and DNS servers. Secrets are only pointed at.</summary>
public sealed record RelocateConfig
{
    /// <summary>Where it was read, or null when there was no file.</summary>
    public string? Path { get; init; }

    /// <summary>Repositories by name.</summary>
    public ImmutableSortedDictionary<string, RepositoryConfig> Repositories { get; init; } = ImmutableSortedDictionary<string, RepositoryConfig>.Empty;

    /// <summary>Clusters by name.</summary>
    public ImmutableSortedDictionary<string, ClusterConfig> Clusters { get; init; } = ImmutableSortedDictionary<string, ClusterConfig>.Empty;

    /// <summary>DNS servers by name.</summary>
    public ImmutableSortedDictionary<string, DnsServerConfig> DnsServers { get; init; } = ImmutableSortedDictionary<string, DnsServerConfig>.Empty;

    /// <summary>Where relocations run. Default: <see cref="EngineKind.Embedded"/>.</summary>
    public EngineKind Engine { get; init; }
}

/// <summary>What executes relocations durably.</summary>
public enum EngineKind
{
    /// <summary>This program, with a journal in its state directory.</summary>
    Embedded,

    /// <summary>A Temporal server, <c>relocate-server</c> and the agents.</summary>
    Temporal,
}

/// <summary>A repository: its URL and where its key is found. At most one of the four key sources is set; none: <c>RELOCATE_PASSPHRASE</c>.</summary>
public sealed record RepositoryConfig
{
    /// <summary>The URL, as <see cref="Core.Repositories.RepositoryUrl"/> reads it, with absolute paths.</summary>
    public required string Url { get; init; }

    /// <summary>A file with the 32-byte repository key in hex.</summary>
    public string? KeyFile { get; init; }

    /// <summary>A command (a program and its arguments, no shell line) whose first line of output is the 32-byte repository key in hex.</summary>
    public ImmutableArray<string> KeyCommand { get; init; } = [];

    /// <summary>A file whose first line is the passphrase.</summary>
    public string? PassphraseFile { get; init; }

    /// <summary>A command (a program and its arguments, no shell line) whose first line of output is the passphrase.</summary>
    public ImmutableArray<string> PassphraseCommand { get; init; } = [];
}

/// <summary>A cluster.</summary>
public sealed record ClusterConfig
{
    /// <summary>The kind: <c>local</c>, the only one so far.</summary>
    public string Type { get; init; } = "local";

    /// <summary>The address on which its apps serve, as in <c>127.0.0.11</c>.</summary>
    public required string Address { get; init; }

    /// <summary>The cluster's state directory (absolute), or null: <c>clusters/NAME</c> in the state directory of this program.</summary>
    public string? State { get; init; }
}

/// <summary>A DNS server.</summary>
public sealed record DnsServerConfig
{
    /// <summary>The kind: <c>embedded</c>, the only one so far.</summary>
    public string Type { get; init; } = "embedded";

    /// <summary>Where it listens, UDP and TCP, as in <c>127.0.0.53:5353</c>.</summary>
    public required string Listen { get; init; }

    /// <summary>The zones it serves, without the final dot.</summary>
    public ImmutableArray<string> Zones { get; init; } = [];

    /// <summary>Its state directory (absolute), or null: <c>dns/NAME</c> in the state directory of this program.</summary>
    public string? State { get; init; }
}
