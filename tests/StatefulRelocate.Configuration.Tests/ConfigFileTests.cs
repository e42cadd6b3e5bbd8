namespace StatefulRelocate.Configuration.Tests;

public sealed class ConfigFileTests
{
    [Fact]
    public void A_whole_configuration_loads_and_its_paths_resolve_against_the_file()
    {
        using var file = new TemporaryFile(Rejected.ConfigHeader + """
            engine: temporal
            repositories:
              main: {url: "dir:repo", keyFile: keys/main}
              other: {url: "dir:/srv/other", passphraseFile: /etc/pass}
              third: {url: "dir:../third", passphraseCommand: [pass, show, relocate]}
              fourth: {url: "dir:/srv/fourth", keyCommand: [./key, --name, main]}
              bucket: {url: "s3://snapshots/edge?endpoint=https://minio.example:9000&region=eu-west-1&ca=ca.pem", keyFile: keys/main}
              container: {url: "azblob://account/snapshots", keyFile: keys/main}
            clusters:
              edge-b: {type: local, address: 127.0.0.12, state: b}
              edge-a: {address: 127.0.0.11}
            dns:
              local: {type: embedded, listen: "127.0.0.53:5353", zones: [Edge.Test.]}

            """);
        var config = ConfigFile.Load(file.Path, named: true);
        Assert.Equal(file.Path, config.Path);
        Assert.Equal(EngineKind.Temporal, config.Engine);
        Assert.Equal($"dir:{file.Directory}/repo", config.Repositories["main"].Url);
        Assert.Equal($"{file.Directory}/keys/main", config.Repositories["main"].KeyFile);
        Assert.Equal(("dir:/srv/other", "/etc/pass"), (config.Repositories["other"].Url, config.Repositories["other"].PassphraseFile));
        Assert.Equal($"dir:{Path.GetDirectoryName(file.Directory)}/third", config.Repositories["third"].Url);
        Assert.Equal($"s3://snapshots/edge?endpoint=https://minio.example:9000&region=eu-west-1&ca={file.Directory}/ca.pem", config.Repositories["bucket"].Url);
        Assert.Equal("azblob://account/snapshots", config.Repositories["container"].Url);
        Assert.Equal(["pass", "show", "relocate"], config.Repositories["third"].PassphraseCommand);
        Assert.Equal([$"{file.Directory}/key", "--name", "main"], config.Repositories["fourth"].KeyCommand);
        Assert.Equal(["edge-a", "edge-b"], config.Clusters.Keys);
        Assert.Equal(("local", "127.0.0.11", null), (config.Clusters["edge-a"].Type, config.Clusters["edge-a"].Address, config.Clusters["edge-a"].State));
        Assert.Equal($"{file.Directory}/b", config.Clusters["edge-b"].State);
        Assert.Equal("127.0.0.53:5353", config.DnsServers["local"].Listen);
        Assert.Equal(["edge.test"], config.DnsServers["local"].Zones);
    }

    [Fact]
    public void A_file_with_nothing_but_clusters_is_a_configuration()
    {
        using var file = new TemporaryFile(Rejected.ConfigHeader + "clusters: {edge-a: {type: local, address: 127.0.0.11, state: DIR}}\n");
        Assert.Equal("127.0.0.11", ConfigFile.Load(file.Path, named: true).Clusters["edge-a"].Address);
    }

    [Fact]
    public void A_file_nobody_named_may_be_missing()
    {
        var config = ConfigFile.Load("/nonexistent/config.yaml", named: false);
        Assert.Null(config.Path);
        Assert.Empty(config.Clusters);
    }

    [Fact]
    public void A_file_somebody_named_must_be_there()
        => Assert.Equal(" there is no such file; check the path", Rejected.Message("/nonexistent/config.yaml", path => ConfigFile.Load(path, named: true)));

    [Theory]
    [InlineData("engine: cadence\n", "3:9: engine is 'cadence'; write embedded or temporal")]
    [InlineData("cluster: {}\n", "3:1: unknown field 'cluster' in the file; did you mean 'clusters'?")]
    [InlineData("zones: {}\n", "3:1: unknown field 'zones' in the file; known are apiVersion, kind, engine, repositories, clusters and dns")]
    [InlineData("clusters: {Edge_A: {address: 127.0.0.1}}\n", "3:12: the name 'Edge_A' in clusters is 'Edge_A'; use lower-case letters, digits and dashes, at most 63, a letter or digit first and last")]
    [InlineData("clusters: {a: {address: localhost}}\n", "3:25: clusters.a.address is 'localhost'; write an IPv4 address such as 127.0.0.11")]
    [InlineData("clusters: {a: {address: 127.1}}\n", "3:25: clusters.a.address is '127.1'; write an IPv4 address such as 127.0.0.11")]
    [InlineData("clusters: {a: {}}\n", "3:15: 'address' is missing in clusters.a; add 'address:'")]
    [InlineData("clusters: {a: {address: }}\n", "3:15: 'address' is missing in clusters.a; add 'address:'")]
    [InlineData("clusters: {a: {type: kubernetes, address: 127.0.0.1}}\n", "3:22: clusters.a.type is 'kubernetes'; write local")]
    [InlineData("clusters:\n  a: {address: 127.0.0.1}\n  b: {address: 127.0.0.1}\n", "5:16: clusters.b.address is the same as clusters.a.address: 127.0.0.1; give each cluster its own")]
    [InlineData("repositories: {r: {url: /srv/repository}}\n", "3:25: repositories.r.url: '/srv/repository' is no repository URL; use dir:PATH, s3://BUCKET/PREFIX or azblob://ACCOUNT/CONTAINER/PREFIX; see docs/object-stores.md")]
    [InlineData("repositories: {r: {url: 's3://bucket?secret=x'}}\n", "3:25: repositories.r.url: 's3://bucket' is no repository URL: 'secret' does not belong into a URL, which is shown and stored; give credentials by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or what the machine is given; see docs/object-stores.md")]
    [InlineData("repositories: {r: {url: 'dir:/x', keyFile: a, passphraseFile: b}}\n", "3:63: repositories.r has both keyFile and passphraseFile; keep one of them")]
    [InlineData("repositories: {r: {url: 'dir:/x', keyCommand: [a], keyFile: b}}\n", "3:47: repositories.r has both keyFile and keyCommand; keep one of them")]
    [InlineData("repositories: {r: {url: 'dir:/x', keyCommand: cat key}}\n", "3:47: repositories.r.keyCommand is not a list; write the program and its arguments as a list: [program, --option, value]")]
    [InlineData("repositories: {r: {url: 'dir:/x', keyComand: [a]}}\n", "3:35: unknown field 'keyComand' in repositories.r; did you mean 'keyCommand'?")]
    [InlineData("dns: {local: {listen: 127.0.0.53}}\n", "3:23: dns.local.listen is '127.0.0.53'; write an IPv4 address with a port, such as 127.0.0.53:5353")]
    [InlineData("dns: {local: {listen: '127.0.0.53:53', zones: [a..b]}}\n", "3:48: dns.local.zones[0] is 'a..b'; write a DNS name such as edge.test")]
    public void What_is_wrong_is_named_with_line_column_and_a_way_out(string body, string message)
        => Assert.Equal(message, Rejected.Config(body));
}
