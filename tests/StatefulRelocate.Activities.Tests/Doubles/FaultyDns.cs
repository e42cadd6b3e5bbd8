using StatefulRelocate.Core.Dns;
using StatefulRelocate.Dns;

namespace StatefulRelocate.Activities.Tests.Doubles;

/// <summary>A real DNS server behind a line that can be cut, or that refuses changes.</summary>
internal sealed class FaultyDns(IDnsDriver inner) : IDnsDriver
{
    public bool Refuses { get; set; }

    /// <summary>The next swap takes effect, and its answer is lost.</summary>
    public bool LoseNextAnswer { get; set; }

    /// <summary>The next swap is lost on its way, and nobody knows.</summary>
    public bool LoseNextRequest { get; set; }

    public Task<DnsRecordSet> CaptureAsync(string zone, string name, string type, CancellationToken cancellationToken)
        => inner.CaptureAsync(zone, name, type, cancellationToken);

    public async Task<DnsSwap> SwapAsync(string zone, DnsRecordSet expected, DnsRecordSet next, CancellationToken cancellationToken)
    {
        if (Refuses)
            throw new DnsException("the server refuses updates", unanswered: false);
        if (LoseNextRequest)
        {
            LoseNextRequest = false;
            throw new DnsException("no answer", unanswered: true);
        }

        var swap = await inner.SwapAsync(zone, expected, next, cancellationToken);
        if (!LoseNextAnswer)
            return swap;
        LoseNextAnswer = false;
        throw new DnsException("no answer", unanswered: true);
    }

    public Task<IReadOnlyList<DnsAnswer>> AskAsync(string zone, string name, string type, CancellationToken cancellationToken)
        => inner.AskAsync(zone, name, type, cancellationToken);
}
