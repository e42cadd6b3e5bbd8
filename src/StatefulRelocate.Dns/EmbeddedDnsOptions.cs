using System.Collections.Immutable;
using System.Net;

namespace StatefulRelocate.Dns;

/// <summary>What an embedded server serves, and where.</summary>
public sealed record EmbeddedDnsOptions
{
    /// <summary>The name of the control socket in the state directory.</summary>
    public const string ControlSocketName = "dns.sock";

    /// <summary>Where it answers DNS, UDP and TCP.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>The zones it serves. Their SOA and NS records are made by the server.</summary>
    public required ImmutableArray<string> Zones { get; init; }

    /// <summary>Where <c>zones.json</c>, the lock and the control socket are; it must exist.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Takes one line on what is odd but no reason to stop, a malformed packet for instance. Default: nobody.</summary>
    public Action<string> Report { get; init; } = _ => { };

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
