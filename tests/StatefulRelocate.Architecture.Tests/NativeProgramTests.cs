using System.Net;
using System.Net.Sockets;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Architecture.Tests;

/// <summary>The native program does what the analyzers cannot prove: everything that depends on a package that warns.</summary>
public sealed class NativeProgramTests
{
    [Fact]
    public void Help_comes_in_less_than_50_milliseconds()
    {
        NativeProgram.SkipUnlessNative();
        using var program = new NativeProgram();
        // The best of many: the machine may be busy with other tests.
        var best = Enumerable.Range(0, 20).Min(_ => program.Run("--help").MustBe(0).Time);
        Assert.True(best < TimeSpan.FromMilliseconds(50), $"{best.TotalMilliseconds} ms");
    }

    [Fact]
    public void Every_package_that_warns_is_named_with_a_reason()
    {
        NativeProgram.SkipUnlessNative();
        var record = Path.Combine(NativeProgram.Folder, ".warned");
        if (!File.Exists(record))
            Assert.Skip($"there is no {record}; the program was not built by ./relocate");
        var explained = Sources.Read("docs/native.md");
        Assert.All(File.ReadLines(record), package => Assert.Contains($"| `{package}` |", explained, StringComparison.Ordinal));
    }

    [Fact]
    public void A_wrong_command_is_one_line_and_exit_code_2()
    {
        NativeProgram.SkipUnlessNative();
        using var program = new NativeProgram();
        var ended = program.Run("--nonsense").MustBe(2);
        Assert.Empty(ended.Output);
        Assert.Single(ended.Errors.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void A_wrong_configuration_is_shown_with_its_place()
    {
        NativeProgram.SkipUnlessNative();
        using var program = new NativeProgram();
        program.Configure("clusters: {a: {adress: 127.0.0.1}}\n");
        var ended = program.Run("cluster", "status", "a").MustBe(2);
        Assert.Contains("config.yaml:3:16: unknown field 'adress' in clusters.a; did you mean 'address'?", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_is_taken_and_restored()
    {
        NativeProgram.SkipUnlessNative();
        using var program = new NativeProgram();
        MustKeep(program, $"dir:{program.Directory}/repository");
    }

    [Fact]
    public async Task A_snapshot_goes_through_a_bucket()
    {
        NativeProgram.SkipUnlessNative();
        await using var minio = await MinioServer.TryStartAsync(TestContext.Current.CancellationToken);
        if (minio is null)
            Assert.Skip(TestPrograms.Missing("minio", "MINIO"));
        using var program = new NativeProgram();
        foreach (var (name, value) in MinioServer.Credentials)
            program.Variables[name] = value;
        MustKeep(program, minio.Url("native"));
    }

    [Fact]
    public async Task A_snapshot_goes_through_a_container_of_Azure()
    {
        NativeProgram.SkipUnlessNative();
        await using var azurite = await AzuriteServer.TryStartAsync(TestContext.Current.CancellationToken);
        if (azurite is null)
            Assert.Skip(TestPrograms.Missing("azurite-blob", "AZURITE"));
        using var program = new NativeProgram();
        program.Variables["AZURE_STORAGE_CONNECTION_STRING"] = azurite.ConnectionString;
        MustKeep(program, azurite.Url("native"));
    }

    [Fact]
    public void A_dns_server_is_started_asked_and_changed()
    {
        NativeProgram.SkipUnlessNative();
        using var program = new NativeProgram();
        program.Configure($"dns: {{local: {{listen: '127.0.0.1:{FreePort()}', zones: [edge.test]}}}}\n");
        program.Run("dns", "up", "local").MustBe(0);
        try
        {
            program.Run("dns", "set", "edge.test", "images", "A", "1", "127.0.0.11").MustBe(0);
            Assert.Contains("127.0.0.11", program.Run("dns", "get", "edge.test", "images", "A").MustBe(0).Output, StringComparison.Ordinal);
        }
        finally
        {
            program.Run("dns", "down", "local").MustBe(0);
        }
    }

    [Fact]
    public void The_journal_opens()
    {
        NativeProgram.SkipUnlessNative();
        using var program = new NativeProgram();
        program.Configure("engine: embedded\n");
        program.Run("list").MustBe(0);
    }

    private static void MustKeep(NativeProgram program, string repository)
    {
        var source = Directory.CreateDirectory(Path.Combine(program.Directory, "source", "deep"));
        var bytes = new byte[300_000];
        new Random(4711).NextBytes(bytes);
        File.WriteAllBytes(Path.Combine(source.FullName, "data"), bytes);
        File.CreateSymbolicLink(Path.Combine(source.FullName, "link"), "data");

        program.Run("repo", "init", "--repo", repository).MustBe(0);
        program.Run("snapshot", "create", "--repo", repository, source.Parent!.FullName).MustBe(0);
        var target = Path.Combine(program.Directory, "target");
        program.Run("snapshot", "restore", "--repo", repository, "latest", target).MustBe(0);

        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(target, "deep", "data")));
        Assert.Equal("data", new FileInfo(Path.Combine(target, "deep", "link")).LinkTarget);
        program.Run("repo", "check", "--repo", repository).MustBe(0);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
