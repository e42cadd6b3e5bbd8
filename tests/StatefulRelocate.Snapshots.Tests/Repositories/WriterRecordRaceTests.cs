using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Repositories;

public sealed class WriterRecordRaceTests
{
    [Fact]
    public async Task Two_processes_never_lose_a_change_of_the_writer_record()
    {
        using var workspace = new Workspace();
        var repository = await workspace.RepositoryAsync();
        const int wins = 25;
        await Task.WhenAll(ChildProcess.RunAsync("swap", workspace.Root, "a", $"{wins}"), ChildProcess.RunAsync("swap", workspace.Root, "b", $"{wins}"));
        var record = await new WriterRecordStore(repository).ReadAsync("web", Workspace.Cancellation);

        // Each win raised the epoch it had read by one: a lost change would leave it lower.
        Assert.Equal(2 * wins, record!.Record.Epoch);
    }
}
