using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Memory;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Takes snapshots of directory trees; each ships only what changed since the round before.</summary>
public sealed class Snapshotter
{
    private const int MaxCompressionLevel = 19;
    private readonly Repository _repository;
    private readonly TimeProvider _time;

    /// <summary>Makes one.</summary>
    public Snapshotter(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    /// <summary>Takes a snapshot. When one of that id is sealed already, its result is returned again.</summary>
    /// <exception cref="RelocateException">A volume cannot be read, or (final round) changed while it was read.</exception>
    /// <exception cref="Storage.ObjectStoreException">The store could not be reached.</exception>
    public async Task<SnapshotTaken> TakeAsync(SnapshotRequest request, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        if (_repository.App is { } only && only != request.App)
            throw new RelocateException($"{_repository.Store.Description}: the key opens app '{only}' only, and not '{request.App}'");
        if (request.CompressionLevel is < 0 or > MaxCompressionLevel)
            throw new RelocateException($"the compression level {request.CompressionLevel} is none of zstd's: 1 to {MaxCompressionLevel}, or 0 for none");
        if (request.Memory < MemoryBudget.Least)
            throw new RelocateException($"{request.Memory} bytes of memory are too few for a snapshot: {MemoryBudget.Least} at least (64 MiB)");
        if (await _repository.Snapshots.FindAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false) is { } already)
            return Taken(already);
        using var directory = JournalDirectory.Open(request.JournalDirectory);
        try
        {
            try
            {
                return await TakeAsync(request, directory, progress, cancellationToken).ConfigureAwait(false);
            }
            catch (JournalDamageException)
            {
                // Whatever it said of the round before is worth nothing then; all is read again, and what is stored is not stored twice.
                File.Delete(directory.SourceJournal);
                return await TakeAsync(request, directory, progress, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException(error.Message, inner: error);
        }
    }

    private Task<SnapshotTaken> TakeAsync(SnapshotRequest request, JournalDirectory directory, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
        => Task.Run(() => new SourceRound(_repository, _time, request, directory, progress).TakeAsync(cancellationToken), cancellationToken);

    internal static SnapshotTaken Taken(SnapshotManifest manifest) => new(manifest.Id, manifest.RootHash, manifest.Figures, [], manifest.Warnings);
}
