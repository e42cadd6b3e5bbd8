using System.Security.Cryptography;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>
/// Computes the root hash of what stands on this side. Blocks that the restore read back count as long as their file's inode, size,
/// mtime and ctime have not moved since; every other file is read again, by several threads.
/// </summary>
internal sealed class TreeVerifier
{
    private const int MaxThreads = 16;

    /// <summary>What one thread takes at once: so many small files, or so many bytes.</summary>
    private const int ShareFiles = 64;
    private const long ShareBytes = 2 << 20;
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
        long entries = 0;
        var read = Read(tree, believed ? state.Rows() : [], progress, entry =>
        {
            entries++;
            root.AppendData(entry.Digest);
        }, cancellationToken);
        var hash = Convert.ToHexStringLower(root.GetHashAndReset());
        var differences = new List<string>();
        if (hash != manifest.RootHash)
        {
            // Only now it is worth the reading of the sealed tree.
            using var comparison = new TreeDifferences(_repository, manifest, cancellationToken);
            read += Read(tree, believed ? state.Rows() : [], progress, comparison.Add, cancellationToken);
            differences = comparison.Finish();
        }

        return new TreeVerified(hash, manifest.RootHash, hash == manifest.RootHash, [.. differences], new RoundFigures
        {
            BytesScanned = read,
            Entries = entries,
            Duration = clock.Total,
        });
    }

    /// <summary>Describes every name of the target, in path order; the bytes that were read for it.</summary>
    private long Read(TargetTree tree, IEnumerable<TargetRow> rows, IProgress<ActivityProgress>? progress, Action<TreeEntry> found, CancellationToken cancellationToken)
    {
        long read = 0;
        var sequence = new RowSequencer(row => found(row.Entry!));
        var links = new Dictionary<(ulong, ulong, int), string>();
        using var row = rows.GetEnumerator();
        var hasRow = row.MoveNext();
        using var threads = new WorkerThreads<FileReader>("verify", Math.Clamp(Environment.ProcessorCount * 2, 4, MaxThreads), () => new FileReader(_repository.Keys), cancellationToken);
        var share = new List<(VerifiedFile File, long Chunk)>();
        long weight = 0;
        foreach (var name in TargetWalk.Names(tree.Roots, cancellationToken))
        {
            while (sequence.IsFull)
            {
                HandIn();
                sequence.WaitForRoom(cancellationToken);
            }

            while (hasRow && row.Current.Entry.Key.CompareTo(name.Key) < 0)
                hasRow = row.MoveNext();
            Describe(name, hasRow && row.Current.Entry.Key == name.Key ? row.Current.Entry : null);
        }

        HandIn();
        threads.Drain();
        return Interlocked.Read(ref read);

        void Describe(FoundName name, TreeEntry? known)
        {
            var facts = name.Facts;
            if (facts.Links > 1 && facts.Type is not (EntryType.Directory or EntryType.Socket or EntryType.Device)
                && !links.TryAdd((facts.Identity.Device, facts.Identity.Inode, name.Key.Volume), name.Key.Path))
            {
                var link = new TreeEntry { Volume = name.Key.Volume, Path = name.Key.Path, Type = EntryType.HardLink, LinkTarget = links[(facts.Identity.Device, facts.Identity.Inode, name.Key.Volume)] };
                sequence.Add(ActualEntry.WithDigest(_repository.Keys, link));
                return;
            }

            if (known is { Type: not (EntryType.HardLink or EntryType.Directory) } && known.Type == facts.Type && known.Identity == facts.Identity)
            {
                sequence.Add(known);
                return;
            }

            if (facts.Type != EntryType.File)
            {
                sequence.Add(ActualEntry.WithDigest(_repository.Keys, ActualEntry.Describe(name.Directory, name.Name, name.Key, facts, known)));
                return;
            }

            var file = name.Directory.OpenAt(name.Name, Posix.ReadOnly | Posix.NonBlocking);
            var verified = new VerifiedFile(file, ActualEntry.Describe(name.Directory, name.Name, name.Key, file.Facts(), known), sequence.Add(), sequence);
            foreach (var chunk in verified.Chunks())
                Take(verified, chunk, Math.Min(Chunks.BlockMap.ChunkLength, facts.Size));
            Take(verified, -1, 0);
            verified.End(_repository.Keys);
        }

        void Take(VerifiedFile file, long chunk, long bytes)
        {
            file.Begin();
            share.Add((file, chunk));
            weight += bytes;
            if (share.Count >= ShareFiles || weight >= ShareBytes)
                HandIn();
        }

        void HandIn()
        {
            if (share.Count == 0)
                return;
            var mine = share;
            (share, weight) = ([], 0);
            threads.Add(reader =>
            {
                var before = reader.BytesRead;
                foreach (var (file, chunk) in mine)
                {
                    if (chunk >= 0)
                        file.Read(chunk, reader);
                    file.End(_repository.Keys);
                }

                var done = Interlocked.Add(ref read, reader.BytesRead - before);
                progress?.Report(new ActivityProgress { BytesDone = done, Doing = "verifying" });
            });
        }
    }
}
