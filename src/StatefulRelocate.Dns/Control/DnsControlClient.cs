using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text.Json;
using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Control;

/// <summary>Speaks to an embedded server over its Unix socket: JSON lines, one connection for each request.</summary>
/// <param name="socketPath">The <c>dns.sock</c> of the server.</param>
/// <param name="time">The clock of the time limit.</param>
public sealed class DnsControlClient(string socketPath, TimeProvider time)
{
    /// <summary>How long a request may take: 5 s.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Whether a server listens on the socket.</summary>
    public async Task<bool> IsUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ListAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (DnsException)
        {
            return false;
        }
    }

    /// <summary>The zones it serves.</summary>
    /// <exception cref="DnsException">It does not answer.</exception>
    public async Task<ImmutableArray<DnsZoneStatus>> ListAsync(CancellationToken cancellationToken)
        => (await SendAsync(new ControlRequest { Operation = ControlRequest.List }, cancellationToken).ConfigureAwait(false)).Zones ?? [];

    /// <summary>Puts a set in place, whatever was there; an empty one deletes.</summary>
    /// <exception cref="DnsException">It refused (no such zone, bad data) or did not answer.</exception>
    public async Task<DnsRecordSet> SetAsync(string zone, DnsRecordSet recordSet, CancellationToken cancellationToken)
        => Present(await SendAsync(new ControlRequest { Operation = ControlRequest.Set, Zone = zone, Next = recordSet }, cancellationToken).ConfigureAwait(false));

    /// <summary>Ends the server. It answers before it ends.</summary>
    /// <exception cref="DnsException">It does not answer.</exception>
    public async Task StopAsync(CancellationToken cancellationToken)
        => await SendAsync(new ControlRequest { Operation = ControlRequest.Stop }, cancellationToken).ConfigureAwait(false);

    internal async Task<DnsRecordSet> CaptureAsync(string zone, string name, string type, CancellationToken cancellationToken)
        => Present(await SendAsync(new ControlRequest { Operation = ControlRequest.Capture, Zone = zone, Name = name, Type = type }, cancellationToken).ConfigureAwait(false));

    internal async Task<DnsSwap> SwapAsync(string zone, DnsRecordSet expected, DnsRecordSet next, CancellationToken cancellationToken)
    {
        var request = new ControlRequest { Operation = ControlRequest.Swap, Zone = zone, Expected = expected, Next = next };
        var response = await SendAsync(request, cancellationToken).ConfigureAwait(false);
        return new DnsSwap(response.Replaced, Present(response));
    }

    private DnsRecordSet Present(ControlResponse response)
        => response.RecordSet ?? throw new DnsException($"DNS server at {socketPath}: its answer has no record set; is it of another version?", unanswered: true);

    private async Task<ControlResponse> SendAsync(ControlRequest request, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        // From the first byte on nobody knows, until an answer comes.
        var sent = false;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), both.Token).ConfigureAwait(false);
            var stream = new NetworkStream(socket);
            await using (stream.ConfigureAwait(false))
            {
                sent = true;
                await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n'], both.Token).ConfigureAwait(false);
                using var reader = new StreamReader(stream);
                var line = await reader.ReadLineAsync(both.Token).ConfigureAwait(false);
                // Without its end the line may be a part of one.
                var response = line is null ? null : JsonSerializer.Deserialize(line, ControlJson.Default.ControlResponse);
                return response switch
                {
                    null => throw new DnsException($"DNS server at {socketPath}: ended without an answer", unanswered: true),
                    { Error: { } error } => throw new DnsException($"DNS server at {socketPath}: {error}", response.Unclear),
                    _ => response,
                };
            }
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DnsException($"DNS server at {socketPath}: no answer within {Limit.TotalSeconds:0} s", sent, error);
        }
        catch (Exception error) when (error is SocketException or IOException or JsonException)
        {
            throw new DnsException(
                sent ? $"DNS server at {socketPath}: no answer: {error.Message}" : $"DNS server at {socketPath}: not running ({error.Message}); start it with 'relocate dns up'",
                sent,
                error);
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new DnsException($"{socketPath}: too long for a Unix socket (at most 107 bytes); use a shorter state directory", unanswered: false, error);
        }
    }
}
