using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Takes snapshots of directory trees; each ships only what changed since the round before.</summary>
public sealed class Snapshotter
{
    private readonly Repository _repository;
    private readonly TimeProvider _time;

    /// <summary>Makes one.</summary>
    public Snapshotter(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    /// <summary>Takes a snapshot. When one of that id is sealed already, its result is returned again.</summary>
    /// <exception cref="Core.Errors.RelocateException">A volume cannot be read, or (final round) changed while it was read.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public Task<SnapshotTaken> TakeAsync(SnapshotRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
        => throw new NotSupportedException(_repository.Id + _time);
}
