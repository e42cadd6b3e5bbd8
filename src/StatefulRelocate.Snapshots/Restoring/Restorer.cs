using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Makes directories what a snapshot says, writing only what differs, and verifies them.</summary>
public sealed class Restorer
{
    private readonly Repository _repository;
    private readonly TimeProvider _time;

    /// <summary>Makes one.</summary>
    public Restorer(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    /// <summary>Restores a snapshot in place.</summary>
    /// <exception cref="Core.Errors.RelocateException">The snapshot is unknown, or damaged, or a volume cannot be written.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public Task<SnapshotRestored> RestoreAsync(RestoreRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
        => throw new NotSupportedException(_repository.Id + _time);

    /// <summary>Computes the root hash from this side's bytes and compares it with the snapshot's.</summary>
    public Task<TreeVerified> VerifyAsync(VerifyRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
        => throw new NotSupportedException(_repository.Id + _time);
}
