using System.Security.Cryptography;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Computes the root hash of what stands on this side, and tells where it differs from the sealed one.</summary>
internal sealed class TreeVerifier
{
    private readonly Repository _repository;
    private readonly TimeProvider _time;

    public TreeVerifier(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    public async Task<TreeVerified> VerifyAsync(VerifyRequest request, JournalDirectory directory, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = new PartClock(_time);
        var manifest = await _repository.Snapshots.GetAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false);
        using var state = TargetState.Load(directory, _repository);
        var believed = state.IsTrusted && state.Head!.Volumes.SequenceEqual(manifest.Volumes);
        using var tree = new TargetTree(VolumeMatching.Paths(manifest, request.Volumes));
        using var root = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _repository.Keys.TreeKey);
        var reader = new TargetReader(_repository, tree.Roots, "verifying", manifest.Bytes, progress);
        long entries = 0;
        reader.Read(Rows(), found =>
        {
            entries++;
            root.AppendData(found.Entry.Digest);
        }, cancellationToken);
        var hash = Convert.ToHexStringLower(root.GetHashAndReset());
        var differences = new List<string>();
        if (hash != manifest.RootHash)
        {
            // Only now it is worth the reading of the sealed tree, and of the journal's records.
            try
            {
                differences = Differences();
            }
            catch (JournalDamageException)
            {
                believed = false;
                differences = Differences();
            }
        }

        return new TreeVerified(hash, manifest.RootHash, hash == manifest.RootHash, [.. differences], new RoundFigures
        {
            BytesScanned = reader.BytesRead,
            Entries = entries,
            Duration = clock.Total,
        });

        IEnumerable<TargetRow> Rows() => believed ? state.Rows() : [];

        List<string> Differences()
        {
            using var comparison = new TreeDifferences(_repository, manifest, cancellationToken);
            reader.Read(Rows(), comparison.Add, cancellationToken);
            return comparison.Finish();
        }
    }
}
