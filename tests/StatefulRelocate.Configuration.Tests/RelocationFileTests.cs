using System.Collections.Immutable;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Configuration.Tests;

public sealed class RelocationFileTests
{
    private const string Sketch = """
        app: images
        source: edge-a
        target: edge-b
        repository: main
        dns: {server: local, zone: edge.test, name: images, ttl: 1s}
        cutover: {quiesce: freeze, maxDowntime: 400ms, maxRounds: 5, minimumGain: 0.25, onNoConvergence: cutover-anyway, maxBlackout: 20s, approval: true, changedRanges: reflink}
        sourceRetention: 48h

        """;

    private static readonly RelocateConfig s_config = new()
    {
        Path = "/etc/config.yaml",
        Clusters = ImmutableSortedDictionary<string, ClusterConfig>.Empty
            .Add("edge-a", new ClusterConfig { Address = "127.0.0.11" }).Add("edge-b", new ClusterConfig { Address = "127.0.0.12" }),
        Repositories = ImmutableSortedDictionary<string, RepositoryConfig>.Empty.Add("main", new RepositoryConfig { Url = "dir:/r" }),
        DnsServers = ImmutableSortedDictionary<string, DnsServerConfig>.Empty.Add("local", new DnsServerConfig { Listen = "127.0.0.53:53", Zones = ["edge.test"] }),
    };

    [Fact]
    public void The_documented_sketch_loads_with_every_field()
    {
        using var file = new TemporaryFile(Rejected.RelocationHeader + Sketch);
        var expected = new RelocationSpec
        {
            App = "images",
            Source = "edge-a",
            Target = "edge-b",
            Repository = "main",
            Dns = new DnsSpec { Server = "local", Zone = "edge.test", Name = "images", Ttl = TimeSpan.FromSeconds(1) },
            Cutover = new CutoverSpec
            {
                Quiesce = QuiesceMode.Freeze,
                MaxDowntime = TimeSpan.FromMilliseconds(400),
                MaxRounds = 5,
                MinimumGain = 0.25,
                OnNoConvergence = NoConvergencePolicy.CutoverAnyway,
                MaxBlackout = TimeSpan.FromSeconds(20),
                Approval = true,
                ChangedRanges = RangeSource.Reflink,
            },
            SourceRetention = TimeSpan.FromHours(48),
        };
        Assert.Equal(expected, RelocationFile.Load(file.Path));
        Assert.Equal(expected, RelocationFile.Load(file.Path, s_config));
    }

    [Fact]
    public void What_is_left_out_has_the_documented_defaults()
    {
        using var file = new TemporaryFile(Rejected.RelocationHeader + "app: a\nsource: b\ntarget: c\nrepository: d\ndns: {zone: e, name: f}\n");
        var spec = RelocationFile.Load(file.Path);
        Assert.Equal(new CutoverSpec(), spec.Cutover);
        Assert.Equal(("local", TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)), (spec.Dns.Server, spec.Dns.Ttl, spec.SourceRetention));
    }

    [Theory]
    [InlineData("target: edge-b", "target: edge-a", "5:9: source and target are both 'edge-a'; name two clusters")]
    [InlineData("ttl: 1s", "ttl: 1500ms", "7:58: dns.ttl is 1500ms; write whole seconds, as in 1s")]
    [InlineData("quiesce: freeze", "quiesce: freez", "8:20: cutover.quiesce is 'freez'; did you mean 'freeze'?")]
    [InlineData("quiesce: freeze", "quiesce: pause", "8:20: cutover.quiesce is 'pause'; write stop or freeze")]
    [InlineData("maxRounds: 5", "maxRounds: 0", "8:59: cutover.maxRounds is '0'; write a whole number from 1 to 100")]
    [InlineData("minimumGain: 0.25", "minimumGain: 1.5", "8:75: cutover.minimumGain is '1.5'; write a number from 0 to 0.99")]
    [InlineData("maxBlackout: 20s", "maxBlackout: 0s", "8:127: cutover.maxBlackout is 0s; write a duration from 1s to 1h")]
    [InlineData("maxDowntime: 400ms", "maxDowntime: 30s", "8:125: maxBlackout (20s) is shorter than maxDowntime (30s); the blackout is cut off at maxBlackout, so make it the longer of the two")]
    [InlineData("approval: true", "approval: yes", "8:142: cutover.approval is 'yes'; write true or false")]
    [InlineData("changedRanges: reflink", "changedRanges: fiemap", "8:163: cutover.changedRanges is 'fiemap'; write auto, scan or reflink")]
    [InlineData("maxDowntime: 400ms", "maxDownTime: 400ms", "8:28: unknown field 'maxDownTime' in cutover; did you mean 'maxDowntime'?")]
    public void What_is_wrong_is_named_with_line_column_and_a_way_out(string before, string after, string message)
    {
        var changed = Sketch.Replace(before, after, StringComparison.Ordinal);
        Assert.NotEqual(Sketch, changed);
        Assert.Equal(message, Rejected.Relocation(changed));
    }

    [Theory]
    [InlineData("source: edge-a", "source: edge-c", "4:9: there is no cluster 'edge-c'; did you mean 'edge-a'?")]
    [InlineData("target: edge-b", "target: somewhere", "5:9: there is no cluster 'somewhere'; /etc/config.yaml has edge-a and edge-b")]
    [InlineData("repository: main", "repository: backup", "6:13: there is no repository 'backup'; /etc/config.yaml has main")]
    [InlineData("server: local", "server: bind", "7:15: there is no DNS server 'bind'; /etc/config.yaml has local")]
    [InlineData("zone: edge.test", "zone: other.test", "7:28: the DNS server 'local' does not serve the zone 'other.test'; it serves edge.test; add the zone in /etc/config.yaml, or name another")]
    public void A_name_that_the_configuration_does_not_have_is_refused_where_it_stands(string before, string after, string message)
        => Assert.Equal(message, Rejected.Relocation(Sketch.Replace(before, after, StringComparison.Ordinal), s_config));
}
