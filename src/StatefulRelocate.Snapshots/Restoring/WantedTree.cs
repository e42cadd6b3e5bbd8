using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// The sealed tree as a stream in path order. It is gone through twice: once to check it, before anything is touched, and once to make the
/// target so. A small one is kept in between, a large one is read again.
/// </summary>
internal sealed class WantedTree
{
    /// <summary>What an entry takes in memory, about.</summary>
    private const long EntryMemory = 700;

    /// <summary>Layers that are read at once; no round leaves more than some twenty.</summary>
    private const int MaxLayers = 64;
    private readonly Repository _repository;
    private readonly SnapshotManifest _manifest;
    private readonly IEnumerable<TargetRow> _rows;
    private readonly bool _upon;
    private readonly int _below;
    private readonly long _memory;
    private readonly HashSet<EntryKey> _groups = [];
    private readonly List<TargetRow> _gone = [];
    private List<MergedEntry>? _kept = [];

    /// <param name="repository">Where its layers are.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="rows">The rows of the target's journal, in order.</param>
    /// <param name="layers">How many of the manifest's layers those rows already hold; 0 when they are of another tree.</param>
    /// <param name="memory">Bytes that a tree may take and still be kept.</param>
    public WantedTree(Repository repository, SnapshotManifest manifest, IEnumerable<TargetRow> rows, int layers, long memory = 48L << 20)
        => (_repository, _manifest, _rows, _upon, _below, _memory) = (repository, manifest, rows, layers > 0, layers, memory);

    /// <summary>The files that it has hard links to; known when it is checked.</summary>
    public IReadOnlySet<EntryKey> Groups => _groups;

    /// <summary>Rows of the journal whose names it does not have; known when it is checked.</summary>
    public IReadOnlyList<TargetRow> Gone => _gone;

    /// <summary>Bytes in the files that the journal's rows do not have alike; known when it is checked.</summary>
    public long BytesNotInRows { get; private set; }

    public IEnumerable<MergedEntry> Entries(CancellationToken cancellationToken)
    {
        if (_kept is not null)
            return _kept;
        return Read(null, cancellationToken);
    }

    /// <summary>Demands that it has the root hash that it was sealed with, and that every name lies in a directory of its own.</summary>
    /// <exception cref="DamageException">It is not so.</exception>
    public void Check(CancellationToken cancellationToken)
    {
        using var root = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _repository.Keys.TreeKey);
        if (_manifest.Layers.Length > MaxLayers)
            throw Damaged($"its tree has {_manifest.Layers.Length} layers; none has more than {MaxLayers}");
        var directories = new Stack<EntryKey>();
        var volume = -1;
        long taken = 0;
        foreach (var merged in Read(Forget, cancellationToken))
        {
            var entry = merged.Entry;
            root.AppendData(entry.Digest);
            if (entry.Volume >= _manifest.Volumes.Length)
                throw Damaged("its tree names a volume that it does not have");
            if (entry.Path.Length == 0)
            {
                if (entry.Volume != ++volume)
                    throw Damaged("a volume in its tree has no directory of its own");
                directories.Clear();
            }
            else
            {
                var parent = new EntryKey(entry.Volume, PathText.Parent(entry.Path));
                while (directories.Count > 0 && directories.Peek() != parent)
                    directories.Pop();
                if (directories.Count == 0)
                    throw Damaged($"'{PathText.Show(entry.Path)}' lies in no directory");
            }

            if (entry.Type == EntryType.Directory)
                directories.Push(entry.Key);
            else if (entry.Type == EntryType.HardLink)
                _groups.Add(new EntryKey(entry.Volume, entry.LinkTarget));
            if (entry.Type == EntryType.File && merged.Row?.Entry.Digest.AsSpan().SequenceEqual(entry.Digest) != true)
                BytesNotInRows += entry.Size;
            taken += EntryMemory + (merged.Row?.Bytes.Length ?? 0) + (ReferenceEquals(entry, merged.Row?.Entry) ? 0 : entry.Blocks.Count * 16);
            _kept?.Add(merged);
            if (taken > _memory)
                _kept = null;
        }

        if (Convert.ToHexStringLower(root.GetHashAndReset()) != _manifest.RootHash)
            throw Damaged("its tree does not have the root hash that it was sealed with");
        if (volume + 1 != _manifest.Volumes.Length)
            throw Damaged("a volume in its tree has no directory of its own");
        if (_groups.Count > 0)
            CheckLinks(cancellationToken);
    }

    private void CheckLinks(CancellationToken cancellationToken)
    {
        var missing = new HashSet<EntryKey>(_groups);
        foreach (var (entry, _) in Entries(cancellationToken))
        {
            if (entry.Type is EntryType.File or EntryType.SymbolicLink or EntryType.Fifo)
                missing.Remove(entry.Key);
            else if (entry.Type == EntryType.HardLink && missing.Contains(new EntryKey(entry.Volume, entry.LinkTarget)))
                throw Damaged($"'{PathText.Show(entry.Path)}' is a hard link to nothing before it in its volume");
        }
    }

    private IEnumerable<MergedEntry> Read(Action<TargetRow>? gone, CancellationToken cancellationToken)
        => _upon ? TreeMerge.Read(_repository, _rows, _manifest.Layers.Skip(_below), gone, cancellationToken)
            : TreeMerge.Join(TreeMerge.Read(_repository, [], _manifest.Layers, null, cancellationToken), _rows, gone);

    private void Forget(TargetRow row)
    {
        if (row.Entry.Type == EntryType.File && row.Stored.Chunks.Length > 0)
            _gone.Add(row);
    }

    private DamageException Damaged(string why) => new("snapshots/" + _manifest.Id, why);
}
