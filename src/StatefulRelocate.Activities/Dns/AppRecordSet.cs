using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Dns;

namespace StatefulRelocate.Activities.Dns;

/// <summary>The record set by which clients find the app that moves: the A records of one name in one zone of one server.</summary>
internal sealed record AppRecordSet(DnsSpec Spec)
{
    private const string Type = "A";

    public static AppRecordSet Of(RelocationSpec spec) => new(spec.Dns);

    /// <summary>The fully qualified name without the final dot.</summary>
    public string FullName => $"{Spec.Name}.{Spec.Zone}".ToLowerInvariant();

    /// <summary>The set that sends clients to an address.</summary>
    public DnsRecordSet At(string address) => new() { Name = FullName, Type = Type, Ttl = Spec.Ttl, Records = [address] };

    public Task<DnsRecordSet> CaptureAsync(IAgentEnvironment environment, CancellationToken cancellationToken)
        => environment.OpenDns(Spec.Server).CaptureAsync(Spec.Zone, FullName, Type, cancellationToken);

    public Task<DnsSwap> SwapAsync(IAgentEnvironment environment, DnsRecordSet expected, DnsRecordSet next, CancellationToken cancellationToken)
        => environment.OpenDns(Spec.Server).SwapAsync(Spec.Zone, expected, next, cancellationToken);

    public Task<IReadOnlyList<DnsAnswer>> AskAsync(IAgentEnvironment environment, CancellationToken cancellationToken)
        => environment.OpenDns(Spec.Server).AskAsync(Spec.Zone, FullName, Type, cancellationToken);
}
