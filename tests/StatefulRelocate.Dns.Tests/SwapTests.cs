using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Tests;

public sealed class SwapTests
{
    private static readonly DnsRecordSet Old = RunningServer.A("127.0.0.11");
    private static readonly DnsRecordSet Next = RunningServer.A("127.0.0.12");
    private static readonly DnsRecordSet Foreign = RunningServer.A("127.0.0.99");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_swap_replaces_what_was_captured_and_the_answer_changes()
    {
        await using var server = RunningServer.Start();
        await server.Set(Old);
        var captured = await server.Driver.CaptureAsync(RunningServer.Zone, "Images.edge.test.", "a", Cancel);

        var swap = await server.Driver.SwapAsync(RunningServer.Zone, captured, Next, Cancel);

        Assert.Equal(Old, captured);
        Assert.True(swap.Replaced);
        Assert.Equal(Next, swap.Current);
        var answer = Assert.Single(await server.Driver.AskAsync(RunningServer.Zone, "images.edge.test", "A", Cancel));
        Assert.Equal(Next, answer.RecordSet);
        Assert.Equal(server.Endpoint.ToString(), answer.Server);
    }

    [Fact]
    public async Task A_swap_against_another_set_changes_nothing_and_says_what_is_there()
    {
        await using var server = RunningServer.Start();
        await server.Set(Foreign);

        var swap = await server.Driver.SwapAsync(RunningServer.Zone, Old, Next, Cancel);

        Assert.False(swap.Replaced);
        Assert.Equal(Foreign, swap.Current);
        Assert.Equal(Foreign, await server.Driver.CaptureAsync(RunningServer.Zone, "images.edge.test", "A", Cancel));
    }

    [Fact]
    public async Task A_swap_that_differs_only_in_the_ttl_is_another_set()
    {
        await using var server = RunningServer.Start();
        await server.Set(Old with { Ttl = TimeSpan.FromSeconds(60) });

        Assert.False((await server.Driver.SwapAsync(RunningServer.Zone, Old, Next, Cancel)).Replaced);
    }

    [Fact]
    public async Task A_repeated_swap_finds_its_own_result()
    {
        await using var server = RunningServer.Start();
        await server.Set(Old);
        await server.Driver.SwapAsync(RunningServer.Zone, Old, Next, Cancel);

        var again = await server.Driver.SwapAsync(RunningServer.Zone, Old, Next, Cancel);

        Assert.True(again.Replaced);
        Assert.Equal(Next, again.Current);
    }

    [Fact]
    public async Task An_absent_set_is_captured_as_empty_and_restored_by_deleting()
    {
        await using var server = RunningServer.Start();
        var before = await server.Driver.CaptureAsync(RunningServer.Zone, "images.edge.test", "A", Cancel);
        Assert.Empty(before.Records);

        Assert.True((await server.Driver.SwapAsync(RunningServer.Zone, before, Next, Cancel)).Replaced);
        Assert.True((await server.Driver.SwapAsync(RunningServer.Zone, Next, before, Cancel)).Replaced);

        var answer = Assert.Single(await server.Driver.AskAsync(RunningServer.Zone, "images.edge.test", "A", Cancel));
        Assert.Equal(before, answer.RecordSet);
    }

    [Fact]
    public async Task Of_concurrent_swaps_exactly_one_wins()
    {
        await using var server = RunningServer.Start();
        for (var round = 0; round < 10; round++)
        {
            var before = await server.Driver.CaptureAsync(RunningServer.Zone, "images.edge.test", "A", Cancel);
            var wanted = Enumerable.Range(1, 16).Select(number => RunningServer.A($"127.0.{round + 1}.{number}")).ToArray();

            var swaps = await Task.WhenAll(wanted.Select(next => Task.Run(() => server.Driver.SwapAsync(RunningServer.Zone, before, next, Cancel), Cancel)));

            var winner = Assert.Single(swaps, swap => swap.Replaced);
            Assert.All(swaps, swap => Assert.Equal(winner.Current, swap.Current));
            Assert.Equal(winner.Current, await server.Driver.CaptureAsync(RunningServer.Zone, "images.edge.test", "A", Cancel));
        }
    }

    [Fact]
    public async Task A_zone_that_is_not_served_is_refused_not_unanswered()
    {
        await using var server = RunningServer.Start();

        var error = await Assert.ThrowsAsync<DnsException>(() => server.Driver.CaptureAsync("other.test", "a.other.test", "A", Cancel));

        Assert.False(error.Unanswered);
        Assert.Contains("other.test", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("images.edge.test", "A", "300.1.1.1")]
    [InlineData("images.edge.test", "A", "1")]
    [InlineData("images.edge.test", "AAAA", "127.0.0.1")]
    [InlineData("images.edge.test", "MX", "10 mail")]
    [InlineData("images.edge.test", "TXT", "\"open")]
    [InlineData("images.other.test", "A", "127.0.0.1")]
    [InlineData("*.edge.test", "A", "127.0.0.1")]
    public async Task Bad_data_is_refused_and_changes_nothing(string name, string type, string data)
    {
        await using var server = RunningServer.Start();

        var error = await Assert.ThrowsAsync<DnsException>(() => server.Set(RunningServer.Records(name, type, 1, data)));

        Assert.False(error.Unanswered);
        Assert.Empty(Assert.Single(await server.Control.ListAsync(Cancel)).RecordSets);
    }

    [Fact]
    public async Task Without_a_server_nothing_was_sent_and_dns_gives_no_answer()
    {
        var directory = RunningServer.NewDirectory();
        var driver = new EmbeddedDnsDriver(Path.Combine(directory, "dns.sock"), RunningServer.FreeEndpoint(), TimeProvider.System);

        var error = await Assert.ThrowsAsync<DnsException>(() => driver.SwapAsync(RunningServer.Zone, Old, Next, Cancel));
        var answer = Assert.Single(await driver.AskAsync(RunningServer.Zone, "images.edge.test", "A", Cancel));

        Assert.False(error.Unanswered);
        Assert.Null(answer.RecordSet);
        Directory.Delete(directory);
    }

    [Fact]
    public async Task A_server_that_takes_the_request_and_dies_leaves_it_unanswered()
    {
        var directory = RunningServer.NewDirectory();
        using var listener = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(directory, "dns.sock")));
        listener.Listen();
        var driver = new EmbeddedDnsDriver(Path.Combine(directory, "dns.sock"), RunningServer.FreeEndpoint(), TimeProvider.System);

        var swapping = driver.SwapAsync(RunningServer.Zone, Old, Next, Cancel);
        using (var connection = await listener.AcceptAsync(Cancel))
            await connection.ReceiveAsync(new byte[1], Cancel);
        var error = await Assert.ThrowsAsync<DnsException>(() => swapping);

        Assert.True(error.Unanswered);
        Directory.Delete(directory, recursive: true);
    }
}
