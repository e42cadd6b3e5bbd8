using DnsClient;

namespace StatefulRelocate.Dns.Tests;

public sealed class TruncationTests
{
    private const ushort Text = 16;
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, 512)]
    [InlineData(300, 512)]
    [InlineData(512, 512)]
    [InlineData(800, 800)]
    [InlineData(4096, 1232)]
    public async Task An_answer_too_large_for_the_client_is_cut_and_marked(int? payload, int limit)
    {
        await using var server = RunningServer.Start();
        await server.Set(Large(30));

        var answer = await server.SendUdp(RawQuery.Of("large.edge.test", Text, payload));

        Assert.True(RawQuery.IsTruncated(answer));
        Assert.InRange(answer.Length, 12, limit);
    }

    [Fact]
    public async Task An_answer_that_fits_the_clients_edns_size_comes_whole()
    {
        await using var server = RunningServer.Start();
        await server.Set(Large(9));

        var small = await server.SendUdp(RawQuery.Of("large.edge.test", Text));
        var enough = await server.SendUdp(RawQuery.Of("large.edge.test", Text, payload: 1232));

        Assert.True(RawQuery.IsTruncated(small));
        Assert.False(RawQuery.IsTruncated(enough));
        Assert.Equal(9, RawQuery.Answers(enough));
    }

    [Fact]
    public async Task A_resolver_gets_the_whole_set_over_tcp()
    {
        await using var server = RunningServer.Start();
        await server.Set(Large(200));

        var answer = await server.Resolver().QueryAsync("large.edge.test", QueryType.TXT, cancellationToken: Cancel);

        Assert.Equal(200, answer.Answers.TxtRecords().Count());
    }

    [Fact]
    public async Task The_driver_asks_over_tcp_where_udp_is_too_small()
    {
        await using var server = RunningServer.Start();
        var set = await server.Set(Large(200));

        var answer = Assert.Single(await server.Driver.AskAsync(RunningServer.Zone, "large.edge.test", "TXT", Cancel));

        Assert.Equal(set, answer.RecordSet);
    }

    private static Core.Dns.DnsRecordSet Large(int records)
        => RunningServer.Records("large.edge.test", "TXT", 1, [.. Enumerable.Range(0, records).Select(number => $"\"{number:000} {new string('x', 80)}\"")]);
}
