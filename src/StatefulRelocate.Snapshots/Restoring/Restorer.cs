using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Makes directories what a snapshot says, writing only what differs, and verifies them.</summary>
public sealed class Restorer
{
    private readonly Repository _repository;
    private readonly TimeProvider _time;

    /// <summary>Makes one.</summary>
    public Restorer(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    /// <summary>Restores a snapshot in place.</summary>
    /// <exception cref="RelocateException">The snapshot is unknown, or damaged, or a volume cannot be written.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public async Task<SnapshotRestored> RestoreAsync(RestoreRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        using var directory = JournalDirectory.Open(request.JournalDirectory);
        return await GuardAsync(() => Task.Run(() => RestoreAsync(request, directory, progress, cancellationToken), cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Finds out what <see cref="RestoreAsync(RestoreRequest, IProgress{ActivityProgress}?, CancellationToken)"/> would do. Nothing is changed; volumes may be missing.</summary>
    /// <exception cref="RelocateException">The snapshot is unknown, or damaged, or a volume cannot be read.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public Task<RestorePreview> PreviewAsync(RestoreRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
        => GuardAsync(() => Task.Run(() => PreviewGuardedAsync(request, progress, cancellationToken), cancellationToken));

    /// <summary>Computes the root hash from this side's bytes and compares it with the snapshot's.</summary>
    /// <exception cref="RelocateException">The snapshot is unknown or damaged, or a volume cannot be read.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public async Task<TreeVerified> VerifyAsync(VerifyRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        using var directory = JournalDirectory.Open(request.JournalDirectory);
        return await GuardAsync(() => Task.Run(
            () => new TreeVerifier(_repository, _time).VerifyAsync(request, directory, progress, cancellationToken), cancellationToken)).ConfigureAwait(false);
    }

    private async Task<SnapshotRestored> RestoreAsync(RestoreRequest request, JournalDirectory directory, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = new PartClock(_time);
        _repository.Index.UseCache(directory.IndexCache);
        await _repository.Index.RefreshAsync(cancellationToken).ConfigureAwait(false);
        var state = TargetState.Load(directory, _repository);
        try
        {
            clock.End("open");
            using var ahead = request.WaitForManifest ? new AheadOfManifest(_repository, _time, request, state, progress) : null;
            var manifest = ahead is null
                ? await _repository.Snapshots.GetAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false)
                : await ahead.FollowAsync(cancellationToken).ConfigureAwait(false);
            clock.EndWaiting("wait");
            await _repository.Index.RefreshAsync(cancellationToken).ConfigureAwait(false);
            var paths = VolumeMatching.Paths(manifest, request.Volumes);
            while (true)
            {
                using var round = new RestoreRound(_repository, state, manifest, paths, ahead, request.Memory, progress);
                try
                {
                    var restored = round.Run(clock, cancellationToken);
                    await _repository.Index.SaveCacheAsync(cancellationToken).ConfigureAwait(false);
                    return restored;
                }
                catch (Exception error) when (error is JournalDamageException or InvalidDataException && state.Head is not null)
                {
                    // Without it everything is compared.
                    state.Dispose();
                    state = TargetState.Without(directory, _repository);
                }
            }
        }
        finally
        {
            state.Dispose();
        }
    }

    private async Task<RestorePreview> PreviewGuardedAsync(RestoreRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = new PartClock(_time);
        var manifest = await _repository.Snapshots.GetAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false);
        using var directory = JournalDirectory.OpenExisting(request.JournalDirectory);
        using var state = directory is null ? null : TargetState.Load(directory, _repository);
        var believed = state is { IsTrusted: true } && state.Head!.Volumes.SequenceEqual(manifest.Volumes);
        var paths = VolumeMatching.Paths(manifest, request.Volumes);
        try
        {
            return Preview(believed ? state!.Rows() : []);
        }
        catch (JournalDamageException)
        {
            // Without it everything is compared.
            return Preview([]);
        }

        RestorePreview Preview(IEnumerable<TargetRow> rows)
        {
            using var previewer = new RestorePreviewer(_repository, manifest, paths);
            return previewer.Run(rows, request.Memory / 5, clock, progress, cancellationToken);
        }
    }

    private static async Task<T> GuardAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act().ConfigureAwait(false);
        }
        catch (SystemCallException error) when (error.Error == Posix.NoSpace)
        {
            throw new RelocateException($"{error.Message}; free some space and run it again", ExitCode.OurError, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException(error.Message, ExitCode.OurError, error);
        }
    }
}
