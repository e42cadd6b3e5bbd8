using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>
/// Computes the root hash of what stands on this side. Blocks that the restore read back count as long as their file's inode, size,
/// mtime and ctime have not moved since; every other file is read again.
/// </summary>
internal sealed class TreeVerifier
{
    private const int MaxDifferences = 20;
    private readonly Repository _repository;
    private readonly TimeProvider _time;

    public TreeVerifier(Repository repository, TimeProvider time) => (_repository, _time) = (repository, time);

    public async Task<TreeVerified> VerifyAsync(VerifyRequest request, JournalDirectory directory, IProgress<ActivityProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = new PartClock(_time);
        var manifest = await _repository.Snapshots.GetAsync(request.SnapshotId, cancellationToken).ConfigureAwait(false);
        var paths = VolumeMatching.Paths(manifest, request.Volumes);
        var journal = RoundJournal.Load(directory.TargetJournal);
        var clean = journal is not null && journal.RepositoryId == _repository.Id && journal.BootId == KernelClock.BootId()
            && !File.Exists(directory.DirtyMark) && journal.Volumes.SequenceEqual(manifest.Volumes);

        using var tree = new TargetTree(paths);
        var found = tree.Walk(makeAccessible: false, cancellationToken);
        var links = ActualEntry.HardLinks(found);
        var reader = new FileReader(_repository.Keys);
        var actual = new SortedDictionary<EntryKey, TreeEntry>();
        foreach (var (key, facts) in found)
        {
            var known = clean ? journal!.Entries.GetValueOrDefault(key) : null;
            actual[key] = links.TryGetValue(key, out var first) ? Link(key, first) : Describe(tree, key, facts, known, reader, cancellationToken);
            progress?.Report(new ActivityProgress { BytesDone = reader.BytesRead, Doing = "verifying" });
        }

        var root = TreeHash.Root(_repository.Keys, actual.Values);
        var matches = root == manifest.RootHash;
        var differences = matches ? [] : await DifferencesAsync(manifest, actual, cancellationToken).ConfigureAwait(false);
        return new TreeVerified(root, manifest.RootHash, matches, [.. differences], new RoundFigures
        {
            BytesScanned = reader.BytesRead,
            Entries = actual.Count,
            Duration = clock.Total,
        });
    }

    private TreeEntry Link(EntryKey key, EntryKey first)
    {
        var entry = new TreeEntry { Volume = key.Volume, Path = key.Path, Type = EntryType.HardLink, LinkTarget = first.Path };
        return entry with { Digest = TreeHash.Entry(_repository.Keys, entry) };
    }

    private TreeEntry Describe(TargetTree tree, EntryKey key, FileFacts facts, TreeEntry? known, FileReader reader, CancellationToken cancellationToken)
    {
        var stands = known is { Type: not EntryType.HardLink } && known.Type == facts.Type && known.Identity == facts.Identity;
        if (stands && facts.Type != EntryType.Directory)
            return known!;
        var substitute = known is { Substituted: true } && known.Type == facts.Type && known.ActualUser == facts.User && known.ActualGroup == facts.Group;
        if (facts.Type != EntryType.File)
            return ActualEntry.Describe(_repository.Keys, tree, key, facts, BlockMap.Empty, known, substitute);
        var (directory, name) = tree.Parent(key);
        using var file = directory.OpenAt(name, Posix.ReadOnly | Posix.NonBlocking);
        var before = file.Facts();
        return ActualEntry.Describe(_repository.Keys, tree, key, before, reader.ReadAll(file, before.Size, cancellationToken), known, substitute);
    }

    private async Task<List<string>> DifferencesAsync(SnapshotManifest manifest, SortedDictionary<EntryKey, TreeEntry> actual, CancellationToken cancellationToken)
    {
        var wanted = await LayerReader.ReadAllAsync(_repository, manifest, cancellationToken).ConfigureAwait(false);
        var differences = new List<string>();
        foreach (var key in wanted.Keys.Union(actual.Keys).Order())
        {
            var shown = $"{manifest.Volumes[key.Volume]}:{(key.Path.Length == 0 ? "." : PathText.Show(key.Path))}";
            if (!actual.TryGetValue(key, out var here))
                differences.Add($"{shown}: missing");
            else if (!wanted.TryGetValue(key, out var there))
                differences.Add($"{shown}: not in the snapshot");
            else if (!here.Digest.AsSpan().SequenceEqual(there.Digest))
                differences.Add($"{shown}: {Describe(here, there)}");
            if (differences.Count >= MaxDifferences)
                break;
        }

        return differences;
    }

    private static string Describe(TreeEntry here, TreeEntry there)
    {
        if (here.Type != there.Type)
            return $"is a {here.Type}, should be a {there.Type}";
        if (here.Size != there.Size)
            return $"has {here.Size} bytes, should have {there.Size}";
        var block = here.Blocks.ChangedSince(there.Blocks).FirstOrDefault(-1);
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
