using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Leases;

/// <summary>An operator gives an app away while its cluster is off.</summary>
public sealed class MissedBreakTests
{
    private const string AppFile = """
        volumes: [{name: data}]
        processes:
          - name: writer
            command: ["/bin/sh", "-c", "while :; do date +%s%N >> \"$RELOCATE_VOLUME_DATA/lines\"; sleep 0.01; done"]
        """;

    private const string Cutover = "{maxDowntime: 2s, maxBlackout: 60s, onNoConvergence: cutover-anyway}";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cluster_that_comes_up_again_starts_the_app_only_where_it_cannot_ask(bool repositoryIsThere)
    {
        await using var world = await World.CreateAsync(AppFile, Cutover);
        await world.MustAsync("run", "-f", world.RelocationFile);
        await world.MustAsync("cluster", "down", "edge-b");
        var broken = await world.MustAsync("lease", "break", World.App, "--repository", "main", "--writer", "edge-a", "--i-know-the-others-are-off");
        Assert.Contains("not up: 'edge-b'", broken.Output, StringComparison.Ordinal);
        var repository = Path.Combine(world.Directory, "repository");
        if (!repositoryIsThere)
            Directory.Move(repository, repository + ".away");

        await world.MustAsync("cluster", "up", "edge-b");

        if (repositoryIsThere)
        {
            var length = Length(world, "edge-b");
            await world.MustAsync("app", "start", World.App, "--cluster", "edge-a");
            await GrowsAsync(world, "edge-a");
            Assert.Equal(length, Length(world, "edge-b"));
            Assert.Contains("edge-a may run it", await File.ReadAllTextAsync(Path.Combine(world.StateDirectory, "clusters", "edge-b", "cluster.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        else
        {
            await GrowsAsync(world, "edge-b");
        }
    }

    private static long Length(World world, string cluster)
        => new FileInfo(Path.Combine(world.VolumePath(cluster), "lines")) is { Exists: true } file ? file.Length : 0;

    private static Task GrowsAsync(World world, string cluster)
    {
        var length = Length(world, cluster);
        return Eventually.IsTrueAsync($"the app writing on {cluster}", () => Length(world, cluster) > length, Limit);
    }
}
