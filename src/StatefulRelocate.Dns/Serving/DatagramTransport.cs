using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;

namespace StatefulRelocate.Dns.Serving;

/// <summary>DNS over UDP. The library's own transport drops every packet whose question it cannot read, unanswered and unseen.</summary>
internal sealed class DatagramTransport(IPEndPoint endpoint, Action<string> report) : IServerTransport
{
    private const int LargestDatagram = ushort.MaxValue;
    private readonly byte[] buffer = new byte[LargestDatagram];
    private Socket? socket;

    private IPEndPoint Endpoint => endpoint;

    public ushort DefaultAllowedResponseSize => 512; // RFC 1035 §4.2.1

    public bool SupportsMultipleResponses => false;

    public bool AllowTruncatedResponses => true;

    public TransportProtocol TransportProtocol => TransportProtocol.Udp;

    public void Bind()
    {
        socket = new Socket(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(endpoint);
    }

    public void Close() => socket?.Dispose();

    public void Dispose() => Close();

    /// <summary>One "connection" is one datagram; the server accepts them one after the other and answers beside that.</summary>
    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token = default)
    {
        var received = await socket!.ReceiveFromAsync(buffer, endpoint, token).ConfigureAwait(false);
        var datagram = buffer[..received.ReceivedBytes];
        var refusal = PacketScreen.Refusal(datagram, out var problem);
        if (problem is null)
            return new DatagramConnection(this, datagram, (IPEndPoint)received.RemoteEndPoint);
        report($"UDP packet from {received.RemoteEndPoint}: {problem}");
        if (refusal is not null)
            await socket.SendToAsync(refusal.AsMemory(DnsRawPackage.LENGTH_HEADER_LENGTH), received.RemoteEndPoint, token).ConfigureAwait(false);
        return null;
    }

    private sealed class DatagramConnection(DatagramTransport transport, byte[] datagram, IPEndPoint client) : IServerConnection
    {
        private bool taken;

        public IServerTransport Transport => transport;

        public IPEndPoint RemoteEndPoint => client;

        public IPEndPoint LocalEndPoint => transport.Endpoint;

        public bool CanRead => !taken;

        public void Dispose()
        {
        }

        public Task<bool> InitializeAsync(CancellationToken token = default) => Task.FromResult(true);

        public Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token = default)
        {
            if (taken)
                return Task.FromResult<DnsReceivedRawPackage?>(null);
            taken = true;
            byte[] withLength = [(byte)(datagram.Length >> 8), (byte)datagram.Length, .. datagram];
            return Task.FromResult<DnsReceivedRawPackage?>(new DnsReceivedRawPackage(withLength, client, transport.Endpoint));
        }

        public async Task<bool> SendAsync(DnsRawPackage package, CancellationToken token = default)
        {
            await transport.socket!.SendToAsync(package.ToArraySegment(false), client, token).ConfigureAwait(false);
            return true;
        }
    }
}
