using System.Net;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Dns.Asking;
using StatefulRelocate.Dns.Control;
using StatefulRelocate.Dns.Zones;

namespace StatefulRelocate.Dns;

/// <summary>The driver of the embedded server: changes over its Unix socket, answers over DNS itself, as a client sees them.</summary>
/// <param name="controlSocket">The server's <c>dns.sock</c>.</param>
/// <param name="endpoint">Where it answers DNS, UDP and TCP.</param>
/// <param name="time">The clock of its time limits.</param>
public sealed class EmbeddedDnsDriver(string controlSocket, IPEndPoint endpoint, TimeProvider time) : IDnsDriver
{
    private readonly DnsControlClient control = new(controlSocket, time);
    private readonly AuthoritativeQuestion question = new(endpoint);

    /// <inheritdoc/>
    public Task<DnsRecordSet> CaptureAsync(string zone, string name, string type, CancellationToken cancellationToken)
        => control.CaptureAsync(zone, name, type, cancellationToken);

    /// <inheritdoc/>
    public Task<DnsSwap> SwapAsync(string zone, DnsRecordSet expected, DnsRecordSet next, CancellationToken cancellationToken)
        => control.SwapAsync(zone, expected, next, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="DnsException">It answered, but with an error or without authority.</exception>
    public async Task<IReadOnlyList<DnsAnswer>> AskAsync(string zone, string name, string type, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await question.AskAsync(RecordData.CanonicalName(name), RecordData.CanonicalType(type), cancellationToken).ConfigureAwait(false);
            return [new DnsAnswer(endpoint.ToString(), answer)];
        }
        catch (FormatException error)
        {
            throw new DnsException(error.Message, unanswered: false, error);
        }
    }
}
