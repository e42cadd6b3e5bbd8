using System.Net.Sockets;

namespace StatefulRelocate.Dns.Tests;

public sealed class MalformedPacketTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_malformed_query_is_answered_formerr_and_reported()
    {
        await using var server = RunningServer.Start();
        byte[] pointsAtItself = [0xab, 0xcd, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];

        var answer = await server.SendUdp(pointsAtItself);

        Assert.Equal(RawQuery.FormatError, RawQuery.Code(answer));
        Assert.Equal([0xab, 0xcd], answer[..2]);
        Assert.Contains(server.Reports, line => line.Contains("malformed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_questions_in_one_query_are_a_format_error()
    {
        await using var server = RunningServer.Start();
        var one = RawQuery.Of("edge.test", 6);
        byte[] two = [.. one, .. one[12..]];
        two[5] = 2;

        Assert.Equal(RawQuery.FormatError, RawQuery.Code(await server.SendUdp(two)));
    }

    [Fact]
    public async Task An_answer_nobody_asked_for_gets_no_answer()
    {
        await using var server = RunningServer.Start();
        var fake = RawQuery.Of("edge.test", 6, id: 1);
        fake[2] |= 0x80;
        using var client = new UdpClient(AddressFamily.InterNetwork);
        client.Connect(server.Endpoint);

        await client.SendAsync(fake, Cancel);
        await client.SendAsync(RawQuery.Of("edge.test", 6, id: 2), Cancel);

        // What comes first belongs to the second packet; the first is never answered.
        Assert.Equal([0, 2], (await client.ReceiveAsync(Cancel)).Buffer[..2]);
    }

    [Fact]
    public async Task Random_packets_do_not_stop_it()
    {
        var seed = Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var server = RunningServer.Start();
        await server.Set(RunningServer.A("127.0.0.11"));
        using var udp = new UdpClient(AddressFamily.InterNetwork);
        udp.Connect(server.Endpoint);
        for (var number = 0; number < 3000; number++)
        {
            await udp.SendAsync(Packet(random), Cancel);
            if (number % 100 == 0)
                await SendTcp(server, random);
        }

        var answer = await server.Resolver().QueryAsync("images.edge.test", DnsClient.QueryType.A, cancellationToken: Cancel);
        var overTcp = await server.Resolver(tcpOnly: true).QueryAsync("images.edge.test", DnsClient.QueryType.A, cancellationToken: Cancel);

        Assert.Single(answer.Answers);
        Assert.Single(overTcp.Answers);
    }

    private static async Task SendTcp(RunningServer server, Random random)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(server.Endpoint, Cancel);
        var packet = Packet(random);
        // Sometimes the length lies, and the connection just ends.
        var length = random.Next(3) == 0 ? random.Next(ushort.MaxValue) : packet.Length;
        await tcp.GetStream().WriteAsync((byte[])[(byte)(length >> 8), (byte)length, .. packet], Cancel);
    }

    private static byte[] Packet(Random random)
    {
        byte[] packet;
        if (random.Next(2) == 0)
        {
            packet = new byte[random.Next(0, 80)];
            random.NextBytes(packet);
        }
        else
        {
            packet = RawQuery.Of("images.edge.test", (ushort)random.Next(300), random.Next(2) == 0 ? random.Next(5000) : null);
            for (var change = random.Next(1, 5); change > 0; change--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
        }

        return packet;
    }
}
