using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Tells where a target differs from the sealed tree: the first differences, one line each. Is given what is there in path order.</summary>
internal sealed class TreeDifferences : IDisposable
{
    private const int MaxDifferences = 20;
    private readonly SnapshotManifest _manifest;
    private readonly IEnumerator<MergedEntry> _wanted;
    private readonly List<string> _differences = [];
    private bool _has;

    public TreeDifferences(Repository repository, SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        _manifest = manifest;
        _wanted = TreeMerge.Read(repository, [], manifest.Layers, null, cancellationToken).GetEnumerator();
        _has = _wanted.MoveNext();
    }

    public void Add(MergedEntry found)
    {
        var here = found.Entry;
        if (_differences.Count >= MaxDifferences)
            return;
        for (; _has && _wanted.Current.Entry.Key.CompareTo(here.Key) < 0; _has = _wanted.MoveNext())
            Note(_wanted.Current.Entry, "missing");
        if (!_has || _wanted.Current.Entry.Key != here.Key)
        {
            Note(here, "not in the snapshot");
            return;
        }

        var there = _wanted.Current.Entry;
        if (!here.Digest.AsSpan().SequenceEqual(there.Digest))
            Note(here, Describe(found.Whole(), there));
        _has = _wanted.MoveNext();
    }

    public List<string> Finish()
    {
        for (; _has && _differences.Count < MaxDifferences; _has = _wanted.MoveNext())
            Note(_wanted.Current.Entry, "missing");
        return _differences;
    }

    public void Dispose() => _wanted.Dispose();

    private void Note(TreeEntry entry, string what)
    {
        if (_differences.Count < MaxDifferences)
            _differences.Add($"{_manifest.Volumes[entry.Volume]}:{(entry.Path.Length == 0 ? "." : PathText.Show(entry.Path))}: {what}");
    }

    private static string Describe(TreeEntry here, TreeEntry there)
    {
        if (here.Type != there.Type)
            return $"is a {here.Type}, should be a {there.Type}";
        if (here.Size != there.Size)
            return $"has {here.Size} bytes, should have {there.Size}";
        var block = here.Blocks.ChangedSince(there.Blocks).Concat(there.Blocks.ChangedSince(here.Blocks)).DefaultIfEmpty(-1).Min();
        if (block >= 0)
            return $"content differs first in the block at byte {block * Blocks.Size}";
        if (here.Mode != there.Mode)
            return $"mode {Convert.ToString(here.Mode, 8)}, should be {Convert.ToString(there.Mode, 8)}";
        if (here.User != there.User || here.Group != there.Group)
            return $"owner {here.User}:{here.Group}, should be {there.User}:{there.Group}";
        if (here.LinkTarget != there.LinkTarget)
            return "links to something else";
        return here.ModifiedSeconds != there.ModifiedSeconds || here.ModifiedNanoseconds != there.ModifiedNanoseconds
            ? "modification time differs" : "extended attributes differ";
    }
}
