using System.Diagnostics;
using StatefulRelocate.Clusters.Local.Proofs;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Tests;

public sealed class ProofTests
{
    [Fact]
    public async Task A_stranger_that_has_a_file_of_a_volume_open_for_writing_is_named()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell("echo x > file; exec sleep 1000"));
        await test.UntilWrittenAsync("file");
        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Stop, CancellationToken.None);

        using (var reader = File.OpenRead(Path.Combine(test.Volume, "file")))
            Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);

        using var stranger = Process.Start("sh", ["-c", $"exec 5>>'{test.Volume}/file'; echo x > '{test.State}/open'; exec sleep 1000"]);
        await TestCluster.UntilAsync(() => File.Exists(Path.Combine(test.State, "open")), "the stranger opened it");
        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        stranger.Kill();
        await stranger.WaitForExitAsync(CancellationToken.None);

        Assert.False(proof.Silent);
        Assert.Contains($"process {stranger.Id} ", Assert.Single(proof.Reasons), StringComparison.Ordinal);
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
    }

    [Fact]
    public async Task Shared_writable_mappings_are_found_in_the_app_and_in_strangers()
    {
        await using var test = await TestCluster.StartAsync();
        await test.RunAsync(TestCluster.Shell($"head -c 8192 /dev/zero > mine; exec '{TestCluster.Self}' map \"$PWD/mine\""));
        await TestCluster.UntilAsync(() => File.Exists(Path.Combine(test.Volume, "mine.mapped")), "the app mapped its file");

        Assert.Equal([Path.Combine(test.Volume, "mine")], await test.Cluster.FindSharedWritableMappingsAsync(TestCluster.App, CancellationToken.None));
        var app = Assert.Single((await test.FindAsync()).ProcessIds);
        Assert.Equal([Path.Combine(test.Volume, "mine")], VolumeWriters.MappedByText(app, VolumeWriters.Prefixes([test.Volume]), new byte[1 << 20]));
        await test.Cluster.KillAsync(TestCluster.App, CancellationToken.None);
        using var stranger = Process.Start(TestCluster.Self, ["map", Path.Combine(test.Volume, "mine")]);
        File.Delete(Path.Combine(test.Volume, "mine.mapped"));
        await TestCluster.UntilAsync(() => File.Exists(Path.Combine(test.Volume, "mine.mapped")), "the stranger mapped it");
        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        stranger.Kill();
        await stranger.WaitForExitAsync(CancellationToken.None);

        Assert.Contains($"process {stranger.Id} ", Assert.Single(proof.Reasons), StringComparison.Ordinal);
    }
}
