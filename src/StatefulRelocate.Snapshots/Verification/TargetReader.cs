using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>
/// Describes every name of some volumes in the terms of a snapshot, in path order. What the journal says of a name counts as long as its inode, size,
/// mtime and ctime have not moved since; every other file is read, by several threads.
/// </summary>
internal sealed class TargetReader
{
    private const int MaxThreads = 16;

    /// <summary>What one thread takes at once: so many small files, or so many bytes.</summary>
    private const int ShareFiles = 64;
    private const long ShareBytes = 2 << 20;
    private readonly Repository _repository;
    private readonly IReadOnlyList<OpenDirectory?> _roots;
    private readonly IProgress<ActivityProgress>? _progress;
    private readonly string _doing;
    private readonly long? _total;
    private long _done, _read;

    /// <param name="repository">Whose keys name the content.</param>
    /// <param name="roots">The volumes' own directories; null for one that is not there.</param>
    /// <param name="doing">What it is read for, in a word.</param>
    /// <param name="total">Bytes that are gone through in all, or null where nobody knows.</param>
    /// <param name="progress">Is told how far it is.</param>
    public TargetReader(Repository repository, IReadOnlyList<OpenDirectory?> roots, string doing, long? total, IProgress<ActivityProgress>? progress)
        => (_repository, _roots, _doing, _total, _progress) = (repository, roots, doing, total, progress);

    /// <summary>Bytes that were read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <summary>Goes through all names.</summary>
    /// <param name="rows">What the journal says, in order, where it can be believed; or nothing.</param>
    /// <param name="found">Is given each name; with the journal's row where that was believed.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public void Read(IEnumerable<TargetRow> rows, Action<MergedEntry> found, CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _done, 0);
        var sequence = new RowSequencer(row => found(new MergedEntry(row.Entry!, row.Old)));
        var links = new Dictionary<(ulong, ulong, int), string>();
        using var row = rows.GetEnumerator();
        var hasRow = row.MoveNext();
        using var threads = new WorkerThreads<FileReader>(_doing, Math.Clamp(Environment.ProcessorCount * 2, 4, MaxThreads), () => new FileReader(_repository.Keys), cancellationToken);
        var share = new List<(VerifiedFile File, long Chunk)>();
        long weight = 0;
        foreach (var name in TargetWalk.Names(_roots, cancellationToken))
        {
            while (sequence.IsFull)
            {
                threads.ThrowIfFailed();
                HandIn();
                sequence.WaitForRoom(cancellationToken);
            }

            while (hasRow && row.Current.Entry.Key.CompareTo(name.Key) < 0)
                hasRow = row.MoveNext();
            Describe(name, hasRow && row.Current.Entry.Key == name.Key ? row.Current : null);
        }

        HandIn();
        threads.Drain();

        void Describe(FoundName name, TargetRow? row)
        {
            var (facts, known) = (name.Facts, row?.Entry);
            if (facts.Links > 1 && facts.Type is not (EntryType.Directory or EntryType.Socket or EntryType.Device)
                && !links.TryAdd((facts.Identity.Device, facts.Identity.Inode, name.Key.Volume), name.Key.Path))
            {
                var link = new TreeEntry { Volume = name.Key.Volume, Path = name.Key.Path, Type = EntryType.HardLink, LinkTarget = links[(facts.Identity.Device, facts.Identity.Inode, name.Key.Volume)] };
                sequence.Add(ActualEntry.WithDigest(_repository.Keys, link));
                return;
            }

            if (known is { Type: not (EntryType.HardLink or EntryType.Directory) } && known.Type == facts.Type && known.Identity == facts.Identity)
            {
                Pass(known.Size);
                sequence.Add(known, row);
                return;
            }

            if (facts.Type != EntryType.File)
            {
                sequence.Add(ActualEntry.WithDigest(_repository.Keys, ActualEntry.Describe(name.Directory, name.Name, name.Key, facts, known)));
                return;
            }

            var file = name.Directory.OpenAt(name.Name, Posix.ReadOnly | Posix.NonBlocking);
            var verified = new VerifiedFile(file, ActualEntry.Describe(name.Directory, name.Name, name.Key, file.Facts(), known), sequence.Add(), sequence);
            var holes = facts.Size;
            foreach (var chunk in verified.Chunks())
            {
                var bytes = Math.Min(Chunks.BlockMap.ChunkLength, facts.Size - chunk * Chunks.BlockMap.ChunkLength);
                holes -= bytes;
                Take(verified, chunk, bytes);
            }

            Pass(holes);
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
            var (mine, bytes) = (share, weight);
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

                Interlocked.Add(ref _read, reader.BytesRead - before);
                Pass(bytes);
            });
        }
    }

    private void Pass(long bytes)
    {
        if (bytes > 0)
            _progress?.Report(new ActivityProgress { BytesDone = Interlocked.Add(ref _done, bytes), BytesTotal = _total, Doing = _doing });
    }
}
