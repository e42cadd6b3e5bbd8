using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using DnsClient;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Dns.Control;

namespace StatefulRelocate.Dns.Tests;

/// <summary>A server on a free port, in a directory of its own, and those who ask it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    public const string Zone = "edge.test";

    private RunningServer(EmbeddedDnsServer server, string directory, IPEndPoint endpoint, ConcurrentQueue<string> reports)
    {
        Server = server;
        Directory = directory;
        Endpoint = endpoint;
        Reports = reports;
        Control = new DnsControlClient(Path.Combine(directory, EmbeddedDnsOptions.ControlSocketName), TimeProvider.System);
        Driver = new EmbeddedDnsDriver(Path.Combine(directory, EmbeddedDnsOptions.ControlSocketName), endpoint, TimeProvider.System);
    }

    public EmbeddedDnsServer Server { get; }

    public string Directory { get; }

    public IPEndPoint Endpoint { get; }

    public ConcurrentQueue<string> Reports { get; }

    public DnsControlClient Control { get; }

    public EmbeddedDnsDriver Driver { get; }

    public static RunningServer Start(string[]? zones = null, string? directory = null)
    {
        directory ??= NewDirectory();
        var endpoint = FreeEndpoint();
        var reports = new ConcurrentQueue<string>();
        var server = EmbeddedDnsServer.Start(new EmbeddedDnsOptions
        {
            Listen = endpoint,
            Zones = [.. zones ?? [Zone]],
            StateDirectory = directory,
            Report = reports.Enqueue,
        });
        return new RunningServer(server, directory, endpoint, reports);
    }

    public static string NewDirectory() => System.IO.Directory.CreateTempSubdirectory("dns-test-").FullName;

    public static IPEndPoint FreeEndpoint()
    {
        // Free for TCP is nearly always free for UDP; both are held for an instant so that two tests do not get the same.
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.Bind(tcp.LocalEndPoint!);
        return (IPEndPoint)tcp.LocalEndPoint!;
    }

    public static DnsRecordSet Records(string name, string type, int ttl, params string[] records)
        => new() { Name = name, Type = type, Ttl = TimeSpan.FromSeconds(ttl), Records = [.. records.Order(StringComparer.Ordinal)] };

    public static DnsRecordSet A(string address, string name = "images.edge.test") => Records(name, "A", 1, address);

    public LookupClient Resolver(bool tcpOnly = false) => new(new LookupClientOptions(Endpoint)
    {
        UseCache = false,
        UseTcpOnly = tcpOnly,
        Recursion = false,
        ThrowDnsErrors = false,
        Retries = 2,
    });

    public Task<DnsRecordSet> Set(DnsRecordSet set) => Control.SetAsync(Zone, set, TestContext.Current.CancellationToken);

    public async Task<byte[]> SendUdp(byte[] packet)
    {
        using var client = new UdpClient(AddressFamily.InterNetwork);
        client.Connect(Endpoint);
        await client.SendAsync(packet, TestContext.Current.CancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        return (await client.ReceiveAsync(limit.Token)).Buffer;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
