using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns;

/// <summary>One DNS server whose record sets a relocation switches by compare and swap.</summary>
public interface IDnsDriver
{
    /// <summary>Captures the whole record set; an empty one when it does not exist. A zone the server does not have is an error.</summary>
    Task<DnsRecordSet> CaptureAsync(string zone, string name, string type, CancellationToken cancellationToken);

    /// <summary>
    /// Replaces <paramref name="expected"/> by <paramref name="next"/> (an empty set deletes), only if the server still has exactly
    /// <paramref name="expected"/>. An unclear answer throws <see cref="DnsException"/> with <see cref="DnsException.Unanswered"/>.
    /// </summary>
    Task<DnsSwap> SwapAsync(string zone, DnsRecordSet expected, DnsRecordSet next, CancellationToken cancellationToken);

    /// <summary>What every authoritative server of the zone answers for the set, asked over DNS itself.</summary>
    Task<IReadOnlyList<DnsAnswer>> AskAsync(string zone, string name, string type, CancellationToken cancellationToken);
}

/// <summary>The end of a swap: refused when the server had neither the expected nor the next set.</summary>
public sealed record DnsSwap(bool Replaced, DnsRecordSet Current);

/// <summary>What one authoritative server answered; null when it did not.</summary>
public sealed record DnsAnswer(string Server, DnsRecordSet? RecordSet);

/// <summary>A DNS server refused or did not answer; the message is one line for the operator.</summary>
public sealed class DnsException : Exception
{
    /// <summary>Makes one.</summary>
    public DnsException(string message, bool unanswered, Exception? inner = null) : base(message, inner) => Unanswered = unanswered;

    /// <summary>Whether a message was sent and no answer came: then it may have taken effect.</summary>
    public bool Unanswered { get; }
}
