using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Waits for a snapshot to be sealed, and meanwhile writes to the target what is announced of it.</summary>
internal sealed class AheadOfManifest : IDisposable
{
    private static readonly TimeSpan ManifestPoll = TimeSpan.FromMilliseconds(10);
    private readonly Repository _repository;
    private readonly TimeProvider _time;
    private readonly RestoreRequest _request;
    private readonly TargetState _state;
    private readonly IProgress<ActivityProgress>? _progress;
    private TargetTree? _tree;
    private FollowedFiles? _files;

    public AheadOfManifest(Repository repository, TimeProvider time, RestoreRequest request, TargetState state, IProgress<ActivityProgress>? progress)
        => (_repository, _time, _request, _state, _progress) = (repository, time, request, state, progress);

    /// <summary>Bytes written before the manifest was there.</summary>
    public long BytesWritten { get; private set; }

    public async Task<SnapshotManifest> FollowAsync(CancellationToken cancellationToken)
    {
        if (await _repository.Snapshots.FindAsync(_request.SnapshotId, cancellationToken).ConfigureAwait(false) is { } there)
            return there;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var paths = Paths();
        _tree = new TargetTree(paths);
        _files = new FollowedFiles(_tree, _state.Known, _state.MarkDirty);
        using var follower = new RoundFollower(_repository, _time, _request.SnapshotId, _files, paths.Count,
            bytes => _progress?.Report(new ActivityProgress { BytesDone = BytesWritten += bytes, Doing = "following" }));
        var following = Task.Run(() => follower.FollowAsync(ending.Token), CancellationToken.None);
        try
        {
            while (true)
            {
                if (await _repository.Snapshots.FindAsync(_request.SnapshotId, cancellationToken).ConfigureAwait(false) is { } manifest)
                    return manifest;
                await Task.Delay(ManifestPoll, _time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await following.ConfigureAwait(false);
            BytesWritten = follower.BytesWritten;
        }
    }

    /// <summary>What is known of a file because it was written ahead.</summary>
    public FollowedFile? Find(EntryKey key, FileFacts facts) => _files?.Find(key, facts);

    public void Dispose() => _tree?.Dispose();

    // In the order that the round before had them; a wrong guess costs only what was written for nothing.
    private List<string> Paths()
    {
        var names = _state.Head?.Volumes ?? [];
        return _request.Volumes.All(v => names.Contains(v.Name)) && names.Length == _request.Volumes.Length
            ? [.. names.Select(n => _request.Volumes.First(v => v.Name == n).Path)] : [.. _request.Volumes.Select(v => v.Path)];
    }
}
