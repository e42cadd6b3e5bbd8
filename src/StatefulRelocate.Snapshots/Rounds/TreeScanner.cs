using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Walks the volumes of one round in path order and yields every entry; files whose stat identity stands are not opened.</summary>
internal sealed class TreeScanner
{
    private const int LiveRereads = 2;
    private readonly Repository _repository;
    private readonly FileScanner _files;
    private readonly RoundJournal? _journal;
    private readonly SnapshotRequest _request;
    private readonly bool _final;
    private readonly bool _compareAll;
    private readonly HashSet<string> _compareInFull;
    private readonly List<string> _warnings;
    private readonly IProgress<ActivityProgress>? _progress;
    private readonly Dictionary<(ulong, ulong), EntryKey> _firstNames = [];
    private long _read;

    public TreeScanner(Repository repository, FileScanner files, RoundJournal? journal, SnapshotRequest request, bool compareAll, List<string> warnings, IProgress<ActivityProgress>? progress)
    {
        (_repository, _files, _journal, _request, _final, _compareAll, _warnings, _progress) = (repository, files, journal, request, request.Final, compareAll || request.Paranoid, warnings, progress);
        _compareInFull = [.. request.CompareInFull.Select(Latin)];
    }

    /// <summary>Entries in path order into <paramref name="entries"/>.</summary>
    public async Task ScanAsync(int volume, string path, OpenDirectory root, SortedDictionary<EntryKey, TreeEntry> entries, CancellationToken cancellationToken)
    {
        var seenAt = KernelClock.Now();
        var facts = root.Handle.Facts();
        Add(entries, Describe(volume, "", facts, FileMetadata.ReadAttributes(root.Handle.ProcPath(".")), seenAt));
        await ScanDirectoryAsync(volume, "", Latin(path), root, entries, cancellationToken).ConfigureAwait(false);
    }

    private async Task ScanDirectoryAsync(int volume, string path, string shownPath, OpenDirectory directory, SortedDictionary<EntryKey, TreeEntry> entries, CancellationToken cancellationToken)
    {
        var before = directory.Handle.Facts().Identity;
        foreach (var name in directory.Names())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ReservedDirectory.IsReserved(PathText.Join(path, name)))
                continue;
            try
            {
                await ScanNameAsync(volume, PathText.Join(path, name), $"{shownPath}/{name}", directory, name, entries, cancellationToken).ConfigureAwait(false);
            }
            catch (SystemCallException error) when (error.IsGone && !_final)
            {
                // Gone, or become something else, since it was listed: the next round sees what it is then.
                var gone = new EntryKey(volume, PathText.Join(path, name));
                if (!entries.ContainsKey(gone) && _firstNames.FirstOrDefault(f => f.Value == gone) is { Key: var inode, Value.Path: not null })
                    _firstNames.Remove(inode);
            }
            catch (SystemCallException error)
            {
                throw new RelocateException($"{error.Message}; nothing was sealed", inner: error);
            }
        }

        if (_final && directory.Handle.Facts().Identity != before)
            throw new RelocateException($"{directory.Handle.Shown}: the directory changed while the final snapshot read it: something still writes", ExitCode.OurError);
    }

    private async Task ScanNameAsync(int volume, string path, string absolute, OpenDirectory directory, string name, SortedDictionary<EntryKey, TreeEntry> entries, CancellationToken cancellationToken)
    {
        // Before the stat: what is written in the same tick as it was, however long the reading takes, is read again in the next round.
        var seenAt = KernelClock.Now();
        if (directory.FactsAt(name) is not { } facts)
            throw new SystemCallException("stat", directory.Show(name), Posix.NotFound);
        var key = new EntryKey(volume, path);
        if (_request.Filter?.Excludes(new FilteredEntry(
            _request.Volumes[volume].Name, path, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.Latin1.GetBytes(absolute)), facts.Type == EntryType.Directory, facts.Type == EntryType.File ? facts.Size : 0)) == true)
            return;
        if (facts.Type is EntryType.Socket or EntryType.Device)
        {
            _warnings.Add($"{directory.Show(name)}: skipped: a {(facts.Type == EntryType.Socket ? "socket" : "device node")}");
            return;
        }

        if (facts.Type != EntryType.Directory && facts.Links > 1)
        {
            if (_firstNames.TryGetValue((facts.Identity.Device, facts.Identity.Inode), out var first) && first.Volume == volume)
            {
                Add(entries, new TreeEntry { Volume = volume, Path = path, Type = EntryType.HardLink, LinkTarget = first.Path, Identity = facts.Identity });
                return;
            }

            _firstNames[(facts.Identity.Device, facts.Identity.Inode)] = key;
        }

        var known = _journal?.Entries.GetValueOrDefault(key);
        if (known is { Racy: false } && !_compareAll && known.Type == facts.Type && known.Identity == facts.Identity && facts.Type != EntryType.Directory && !_compareInFull.Contains(absolute))
        {
            Add(entries, known);
            return;
        }

        switch (facts.Type)
        {
            case EntryType.Directory:
                using (var below = directory.OpenDirectoryAt(name))
                {
                    facts = below.Handle.Facts();
                    Add(entries, Describe(volume, path, facts, FileMetadata.ReadAttributes(below.Handle.ProcPath(".")), seenAt));
                    await ScanDirectoryAsync(volume, path, absolute, below, entries, cancellationToken).ConfigureAwait(false);
                }

                break;
            case EntryType.SymbolicLink:
                Add(entries, Describe(volume, path, facts, [], seenAt) with { LinkTarget = directory.ReadLink(name) });
                break;
            case EntryType.Fifo:
                Add(entries, Describe(volume, path, facts, FileMetadata.ReadAttributes(directory.Handle.ProcPath(name)), seenAt));
                break;
            default:
                using (var file = directory.OpenAt(name, Posix.ReadOnly | Posix.NonBlocking))
                    Add(entries, await ScanFileAsync(key, file, directory.Handle.ProcPath(name), known, cancellationToken).ConfigureAwait(false));
                break;
        }
    }

    private async Task<TreeEntry> ScanFileAsync(EntryKey key, OpenFile file, byte[] path, TreeEntry? known, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var seenAt = KernelClock.Now();
            var facts = file.Facts();
            if (facts.Type != EntryType.File)
                throw new SystemCallException("read", file.Shown, Posix.NotFound);
            var attributes = FileMetadata.ReadAttributes(path);
            var (blocks, fingerprints, torn) = await _files.ScanAsync(file, facts.Size, known, Report, cancellationToken).ConfigureAwait(false);
            var entry = Describe(key.Volume, key.Path, facts, attributes, seenAt) with { Blocks = blocks, Fingerprints = fingerprints };
            var after = file.Facts();
            if (after.Identity == facts.Identity && !torn)
                return entry;
            if (_final)
                throw new RelocateException($"{file.Shown}: the file changed while the final snapshot read it: something still writes", ExitCode.OurError);

            // A live round may carry a file as it was read: the identity from before the read makes the next round read it again.
            if (!torn || attempt >= LiveRereads)
                return entry with { Racy = true };
        }
    }

    private static TreeEntry Describe(int volume, string path, FileFacts facts, System.Collections.Immutable.ImmutableArray<ExtendedAttribute> attributes, long seenAt) => new()
    {
        Volume = volume,
        Path = path,
        Type = facts.Type,
        Mode = facts.Mode,
        User = facts.User,
        Group = facts.Group,
        ModifiedSeconds = facts.ModifiedSeconds,
        ModifiedNanoseconds = facts.ModifiedNanoseconds,
        Size = facts.Type == EntryType.File ? facts.Size : 0,
        Attributes = attributes,
        Identity = facts.Identity,
        Racy = Math.Max(facts.Identity.Modified, facts.Identity.Changed) >= seenAt - KernelClock.RacyWindow,
    };

    private void Add(SortedDictionary<EntryKey, TreeEntry> entries, TreeEntry entry)
        => entries[entry.Key] = entry.Digest.Length > 0 ? entry : entry with { Digest = TreeHash.Entry(_repository.Keys, entry) };

    private void Report(long bytes)
    {
        _read += bytes;
        _progress?.Report(new ActivityProgress { BytesDone = _read, Doing = "reading" });
    }

    private static string Latin(string path) => System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(path));
}
