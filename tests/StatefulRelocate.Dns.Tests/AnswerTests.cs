using System.Net;
using DnsClient;
using DnsClient.Protocol;

namespace StatefulRelocate.Dns.Tests;

public sealed class AnswerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_set_is_answered_whole_with_its_ttl_and_authority(bool tcp)
    {
        await using var server = RunningServer.Start();
        await server.Set(RunningServer.Records("images.edge.test", "A", 7, "127.0.0.11", "127.0.0.12"));

        var answer = await server.Resolver(tcp).QueryAsync("images.edge.test", QueryType.A, cancellationToken: Cancel);

        Assert.Equal(DnsHeaderResponseCode.NoError, answer.Header.ResponseCode);
        Assert.True(answer.Header.HasAuthorityAnswer);
        Assert.False(answer.Header.RecursionAvailable);
        Assert.Equal(["127.0.0.11", "127.0.0.12"], answer.Answers.ARecords().Select(record => record.Address.ToString()).Order());
        Assert.All(answer.Answers, record => Assert.Equal(7, record.InitialTimeToLive));
    }

    [Fact]
    public async Task Ipv6_addresses_and_texts_are_answered_as_they_were_set()
    {
        await using var server = RunningServer.Start();
        await server.Set(RunningServer.Records("images.edge.test", "AAAA", 1, "2001:DB8:0:0::1"));
        await server.Set(RunningServer.Records("images.edge.test", "TXT", 1, "\"two words\" \"and \\\"quotes\\\" \\\\\"", "bare"));

        var addresses = await server.Resolver().QueryAsync("images.edge.test", QueryType.AAAA, cancellationToken: Cancel);
        var texts = await server.Resolver().QueryAsync("images.edge.test", QueryType.TXT, cancellationToken: Cancel);

        Assert.Equal(IPAddress.Parse("2001:db8::1"), Assert.Single(addresses.Answers.AaaaRecords()).Address);
        Assert.Equal(["bare", "two words|and \"quotes\" \\"], texts.Answers.TxtRecords().Select(record => string.Join('|', record.EscapedText)).Order(StringComparer.Ordinal).Select(Unescape));

        static string Unescape(string text) => text.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_nxdomain_with_the_soa()
    {
        await using var server = RunningServer.Start();

        var answer = await server.Resolver().QueryAsync("nobody.edge.test", QueryType.A, cancellationToken: Cancel);

        Assert.Equal(DnsHeaderResponseCode.NotExistentDomain, answer.Header.ResponseCode);
        Assert.True(answer.Header.HasAuthorityAnswer);
        var soa = Assert.Single(answer.Authorities.OfType<SoaRecord>());
        Assert.Equal("edge.test.", soa.DomainName.Value);
        // RFC 2308 §3: the time for which absence is remembered is the smaller of both.
        Assert.Equal((int)soa.Minimum, soa.InitialTimeToLive);
    }

    [Fact]
    public async Task A_type_that_a_name_does_not_have_is_no_data_with_the_soa()
    {
        await using var server = RunningServer.Start();
        await server.Set(RunningServer.A("127.0.0.11"));

        var answer = await server.Resolver().QueryAsync("images.edge.test", QueryType.AAAA, cancellationToken: Cancel);

        Assert.Equal(DnsHeaderResponseCode.NoError, answer.Header.ResponseCode);
        Assert.Empty(answer.Answers);
        Assert.Single(answer.Authorities.OfType<SoaRecord>());
    }

    [Fact]
    public async Task A_name_that_only_has_names_below_it_exists()
    {
        await using var server = RunningServer.Start();
        await server.Set(RunningServer.A("127.0.0.11", "a.b.edge.test"));

        var answer = await server.Resolver().QueryAsync("b.edge.test", QueryType.A, cancellationToken: Cancel);

        Assert.Equal(DnsHeaderResponseCode.NoError, answer.Header.ResponseCode);
        Assert.Empty(answer.Answers);
    }

    [Theory]
    [InlineData("example.org")]
    [InlineData("test")]
    [InlineData("notedge.test")]
    public async Task A_foreign_name_is_refused(string name)
    {
        await using var server = RunningServer.Start();

        var answer = await server.Resolver().QueryAsync(name, QueryType.A, cancellationToken: Cancel);

        Assert.Equal(DnsHeaderResponseCode.Refused, answer.Header.ResponseCode);
        Assert.False(answer.Header.HasAuthorityAnswer);
    }

    [Fact]
    public async Task The_apex_has_soa_and_ns_and_the_address_of_the_name_server()
    {
        await using var server = RunningServer.Start();

        var soa = await server.Resolver().QueryAsync("edge.test", QueryType.SOA, cancellationToken: Cancel);
        var ns = await server.Resolver().QueryAsync("edge.test", QueryType.NS, cancellationToken: Cancel);

        Assert.Equal("ns.edge.test.", Assert.Single(soa.Answers.SoaRecords()).MName.Value);
        Assert.Equal("ns.edge.test.", Assert.Single(ns.Answers.NsRecords()).NSDName.Value);
        Assert.Equal(IPAddress.Loopback, Assert.Single(ns.Additionals.ARecords()).Address);
    }

    [Fact]
    public async Task The_closest_zone_answers()
    {
        await using var server = RunningServer.Start(["edge.test", "deep.edge.test"]);
        await server.Control.SetAsync("deep.edge.test", RunningServer.A("127.0.0.9", "x.deep.edge.test"), Cancel);

        var answer = await server.Resolver().QueryAsync("x.deep.edge.test", QueryType.A, cancellationToken: Cancel);
        var absent = await server.Resolver().QueryAsync("y.deep.edge.test", QueryType.A, cancellationToken: Cancel);

        Assert.Single(answer.Answers);
        Assert.Equal("deep.edge.test.", Assert.Single(absent.Authorities).DomainName.Value);
    }

    [Fact]
    public async Task Every_change_moves_the_serial_and_a_change_to_the_same_does_not()
    {
        await using var server = RunningServer.Start();
        var first = await Serial();
        await server.Set(RunningServer.A("127.0.0.11"));
        var second = await Serial();
        await server.Set(RunningServer.A("127.0.0.11"));
        var same = await Serial();
        await server.Set(RunningServer.A("127.0.0.12"));

        Assert.Equal(first + 1, second);
        Assert.Equal(second, same);
        Assert.Equal(second + 1, await Serial());

        async Task<uint> Serial()
            => Assert.Single((await server.Resolver().QueryAsync("edge.test", QueryType.SOA, cancellationToken: Cancel)).Answers.SoaRecords()).Serial;
    }

    [Fact]
    public async Task Case_is_ignored_and_given_back()
    {
        await using var server = RunningServer.Start();
        await server.Set(RunningServer.A("127.0.0.11"));

        var answer = await server.SendUdp(RawQuery.Of("iMaGeS.EDGE.test", 1));

        Assert.Equal(RawQuery.NoError, RawQuery.Code(answer));
        Assert.Equal(1, RawQuery.Answers(answer));
        Assert.Equal("iMaGeS.EDGE.test", RawQuery.QuestionName(answer));
    }

    [Fact]
    public async Task A_transfer_is_refused_and_another_operation_not_implemented()
    {
        await using var server = RunningServer.Start();

        Assert.Equal(RawQuery.Refused, RawQuery.Code(await server.SendUdp(RawQuery.Of("edge.test", 252))));
        Assert.Equal(RawQuery.NotImplemented, RawQuery.Code(await server.SendUdp(RawQuery.Of("edge.test", 6, operation: 4))));
    }

    [Fact]
    public async Task An_unknown_edns_version_is_answered_badvers()
    {
        await using var server = RunningServer.Start();

        var answer = await server.SendUdp(RawQuery.Of("edge.test", 6, payload: 1232, ednsVersion: 1));

        // BADVERS is 16: its upper part stands in the OPT record, the last 11 bytes here.
        Assert.Equal(0, RawQuery.Code(answer));
        Assert.Equal(0, RawQuery.Answers(answer));
        Assert.Equal(1, answer[^6]);
    }
}
