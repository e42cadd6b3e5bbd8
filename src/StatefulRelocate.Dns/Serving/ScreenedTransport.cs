using System.Net;
using ARSoft.Tools.Net.Dns;

namespace StatefulRelocate.Dns.Serving;

/// <summary>
/// Looks at packets before the library does: the library drops a malformed query without an answer, and an error while it accepts
/// a connection would end the process.
/// </summary>
internal sealed class ScreenedTransport(IServerTransport inner, EmbeddedDnsOptions options) : IServerTransport
{
    private static readonly TimeSpan PauseAfterError = TimeSpan.FromMilliseconds(20);

    public ushort DefaultAllowedResponseSize => inner.DefaultAllowedResponseSize;

    public bool SupportsMultipleResponses => inner.SupportsMultipleResponses;

    public bool AllowTruncatedResponses => inner.AllowTruncatedResponses;

    public TransportProtocol TransportProtocol => inner.TransportProtocol;

    public void Bind() => inner.Bind();

    public void Close() => inner.Close();

    public void Dispose() => (inner as IDisposable)?.Dispose();

    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token)
    {
        try
        {
            var connection = await inner.AcceptConnectionAsync(token).ConfigureAwait(false);
            return connection is null ? null : new ScreenedConnection(connection, this, options);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            if (token.IsCancellationRequested)
                return null;
            options.Report($"a {TransportProtocol} client could not be accepted: {error.Message}");
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

        public Task<bool> InitializeAsync(CancellationToken token) => inner.InitializeAsync(token);

        public Task<bool> SendAsync(DnsRawPackage package, CancellationToken token) => inner.SendAsync(package, token);

        public async Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token)
        {
            while (await inner.ReceiveAsync(token).ConfigureAwait(false) is { } package)
            {
                if (PacketScreen.Refusal(package.ToArraySegment(false), out var problem) is { } refusal)
                    await inner.SendAsync(new DnsRawPackage(refusal), token).ConfigureAwait(false);
                else if (problem is null)
                    return package;
                if (problem is not null)
                    options.Report($"{transport.TransportProtocol} packet from {RemoteEndPoint}: {problem}");
                if (!inner.CanRead)
                    return null;
            }

            return null;
        }
    }
}
