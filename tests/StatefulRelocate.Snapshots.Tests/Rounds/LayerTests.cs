using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

public sealed class LayerTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task Snapshots_that_are_all_taken_of_a_stopped_app_stay_restorable()
    {
        var file = _workspace.In(_workspace.Source, "counter");
        var last = "";
        for (var round = 0; round < 70; round++)
        {
            await File.WriteAllTextAsync(file, $"{round}", Workspace.Cancellation);
            last = (await _workspace.TakeAsync(final: true)).SnapshotId;
        }

        await _workspace.RestoreAsync(last);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    public void Dispose() => _workspace.Dispose();
}
