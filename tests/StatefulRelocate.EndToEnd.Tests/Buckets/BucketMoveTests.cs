using System.Globalization;
using StatefulRelocate.EndToEnd.Tests.Observing;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.EndToEnd.Tests.Buckets;

/// <summary>Relocations between two local clusters through a real object store.</summary>
public sealed class BucketMoveTests
{
    /// <summary>Counts in its volume: each line is one more than the last, whichever cluster it runs on.</summary>
    private const string CountingApp = """
        volumes: [{name: data}]
        processes:
          - name: counter
            command: [/bin/sh, -c, 'cd "$RELOCATE_VOLUME_DATA"; n=$(tail -n 1 count 2>/dev/null || echo 0); while :; do n=$((n + 1)); echo "$n" >>count; sleep 0.01; done']
        readiness: {exec: [/bin/sh, -c, 'test -s "$RELOCATE_VOLUME_DATA/count"']}
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("stop")]
    [InlineData("freeze")]
    public async Task An_app_moves_through_a_bucket_and_counts_on(string quiesce)
    {
        await using var minio = await MinioServer.TryStartAsync(Cancellation);
        if (minio is null)
            Assert.Skip(TestPrograms.Missing("minio", "MINIO"));
        await MoveAsync(quiesce, minio.Url("edge"), MinioServer.Credentials);
        Assert.NotEmpty(await minio.KeysAsync("edge/snapshots/", Cancellation));
    }

    [Fact]
    public async Task An_app_moves_through_a_container_of_Azure_and_counts_on()
    {
        await using var azurite = await AzuriteServer.TryStartAsync(Cancellation);
        if (azurite is null)
            Assert.Skip(TestPrograms.Missing("azurite-blob", "AZURITE"));
        await MoveAsync("freeze", azurite.Url("edge"), new Dictionary<string, string> { ["AZURE_STORAGE_KEY"] = AzuriteServer.Key });
    }

    private static async Task MoveAsync(string quiesce, string repository, IReadOnlyDictionary<string, string> credentials)
    {
        await using var world = await World.CreateAsync(CountingApp, $"{{quiesce: {quiesce}, maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway}}", null, repository, credentials);
        await Eventually.IsTrueAsync("counting on edge-a", () => Count(world, "edge-a") > 20, TimeSpan.FromMinutes(1));
        using var observer = new MoveObserver(world.Directory, "edge-a", "edge-b", () => world.FenceFile("edge-a"));

        var result = await world.RunAsync("run", "-f", world.RelocationFile, "--json");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("completed", World.Report(result).GetProperty("outcome").GetString());
        var left = Count(world, "edge-a");
        await Eventually.IsTrueAsync("counting on edge-b", () => Count(world, "edge-b") > left + 20, TimeSpan.FromMinutes(1));
        var violations = observer.Finish();
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{result}");

        // Nothing that was counted on the source is missing on the target, and nothing was counted twice.
        var lines = await File.ReadAllLinesAsync(Path.Combine(world.VolumePath("edge-b"), "count"), Cancellation);
        Assert.Equal(Enumerable.Range(1, lines.Length).Select(number => number.ToString(CultureInfo.InvariantCulture)), lines);
        await world.MustAsync("repo", "check", "--repo", repository, "--key-file", Path.Combine(world.Directory, "repository.key"), "--read-data");
    }

    private static int Count(World world, string cluster)
        => Path.Combine(world.VolumePath(cluster), "count") is var file && File.Exists(file) && int.TryParse(File.ReadLines(file).LastOrDefault(), CultureInfo.InvariantCulture, out var number) ? number : 0;
}
