using System.Net;
using ARSoft.Tools.Net.Dns;

namespace StatefulRelocate.Dns.Serving;

/// <summary>
/// Keeps trouble away from the library's loop: an error while a connection is accepted would end the process, and a malformed query
/// over TCP would get no answer.
/// </summary>
internal sealed class ScreenedTransport(IServerTransport inner, EmbeddedDnsOptions options) : IServerTransport
{
    private static readonly TimeSpan PauseAfterError = TimeSpan.FromMilliseconds(5);

    public ushort DefaultAllowedResponseSize => inner.DefaultAllowedResponseSize;

    public bool SupportsMultipleResponses => inner.SupportsMultipleResponses;

    public bool AllowTruncatedResponses => inner.AllowTruncatedResponses;

    public TransportProtocol TransportProtocol => inner.TransportProtocol;

    public void Bind() => inner.Bind();

    public void Close() => inner.Close();

    public void Dispose() => (inner as IDisposable)?.Dispose();

    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token = default)
    {
        try
        {
            var connection = await inner.AcceptConnectionAsync(token).ConfigureAwait(false);
            return connection is null || TransportProtocol == TransportProtocol.Udp ? connection : new ScreenedConnection(connection, this, options);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            if (token.IsCancellationRequested)
                return null;
            options.Report($"a {TransportProtocol} client could not be accepted: {error.Message}");
            // Without descriptors, for instance, the next try fails at once too.
            await Task.Delay(PauseAfterError, options.Time, CancellationToken.None).ConfigureAwait(false);
            return null;
        }
    }

    private sealed class ScreenedConnection(IServerConnection inner, IServerTransport transport, EmbeddedDnsOptions options) : IServerConnection
    {
        public IServerTransport Transport => transport;

        public IPEndPoint RemoteEndPoint => inner.RemoteEndPoint;

        public IPEndPoint LocalEndPoint => inner.LocalEndPoint;

        public bool CanRead => inner.CanRead;

        public void Dispose() => inner.Dispose();

        public Task<bool> InitializeAsync(CancellationToken token = default) => inner.InitializeAsync(token);

        public Task<bool> SendAsync(DnsRawPackage package, CancellationToken token = default) => inner.SendAsync(package, token);

        public async Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token = default)
        {
            if (await inner.ReceiveAsync(token).ConfigureAwait(false) is not { } package)
                return null;
            var refusal = PacketScreen.Refusal(package.ToArraySegment(false), out var problem);
            if (problem is null)
                return package;
            options.Report($"TCP packet from {RemoteEndPoint}: {problem}");
            if (refusal is not null)
                await inner.SendAsync(new DnsRawPackage(refusal), token).ConfigureAwait(false);
            // Where one message was bad, the place of the next is doubtful.
            return null;
        }
    }
}
