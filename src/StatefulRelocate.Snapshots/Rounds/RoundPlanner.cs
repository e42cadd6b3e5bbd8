using System.Threading.Channels;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Walks the volumes in path order side by side with the journal of the round before, and says of each name what is to be done: it stands,
/// it is gone, it is described anew, or it is a file to be read. Files whose stat identity stands are not opened.
/// </summary>
internal sealed class RoundPlanner
{
    /// <summary>8 MiB: what one worker reads of a large file before it looks for something else.</summary>
    private const int PartChunks = 8;

    /// <summary>What an open file takes of the window at least, so that not too many are open.</summary>
    private const long LeastWindow = 256 * 1024;
    private readonly RoundContext _round;
    private readonly JournalReader? _journal;
    private readonly ChunkFile? _oldChunks;
    private readonly ChannelWriter<PlannedPart> _parts;
    private readonly MemoryBudget _window;
    private readonly RoundOutput _output;
    private readonly HashSet<string> _compareInFull;
    private readonly bool _absolute;
    private readonly Dictionary<(ulong, ulong), EntryKey> _firstNames = [];
    private readonly SubdirectoriesAhead.Limit _ahead = new();
    private StatIdentity _oldStat;
    private bool _met, _answered, _oldRacy;

    public RoundPlanner(RoundContext round, JournalReader? journal, ChunkFile? oldChunks, ChannelWriter<RoundItem> items, ChannelWriter<PlannedPart> parts, MemoryBudget window)
    {
        (_round, _journal, _oldChunks, _parts, _window) = (round, journal, oldChunks, parts, window);
        _output = new RoundOutput(items, round.Counters);
        _compareInFull = [.. round.Request.CompareInFull.Select(Latin)];
        _absolute = _compareInFull.Count > 0 || round.Request.Filter is not null;
        _journal?.MoveNext();
    }

    /// <summary>Walks all volumes.</summary>
    public async Task RunAsync(IReadOnlyList<OpenDirectory> roots, CancellationToken cancellationToken)
    {
        for (var volume = 0; volume < roots.Count; volume++)
        {
            var seenAt = _round.Now();
            var root = DirectoryListing.Of(roots[volume], _round.Now);
            await using var listing = root.ConfigureAwait(false);
            var facts = root.Self;
            await MeetAsync(volume, "", cancellationToken).ConfigureAwait(false);
            if (Stands(facts))
                await KeepAsync(cancellationToken).ConfigureAwait(false);
            else
                await DescribeAsync(new EntryKey(volume, ""), facts, FileMetadata.ReadAttributes(roots[volume].Handle), "", seenAt, cancellationToken).ConfigureAwait(false);
            await DirectoryAsync(volume, "", Latin(_round.Request.Volumes[volume].Path), root, cancellationToken).ConfigureAwait(false);
        }

        await MeetAsync(int.MaxValue, "", cancellationToken).ConfigureAwait(false);
        await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask DirectoryAsync(int volume, string path, string shownPath, DirectoryListing directory, CancellationToken cancellationToken)
    {
        directory.Read();
        string Absolute(string name) => _absolute ? $"{shownPath}/{name}" : "";
        bool Reserved(string name) => path.Length == 0 && ReservedDirectory.IsReserved(name);
        var subdirectories = new SubdirectoriesAhead(
            directory, _ahead, (name, facts) => !Reserved(name) && !Excludes(new EntryKey(volume, PathText.Join(path, name)), Absolute(name), facts), _round.Now);
        await using var ending = subdirectories.ConfigureAwait(false);
        for (var i = 0; i < directory.Names.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = directory.Names[i];
            var seen = await directory.AtAsync(i).ConfigureAwait(false);
            await subdirectories.ReachAsync(i).ConfigureAwait(false);
            if (Reserved(name))
                continue;
            try
            {
                if (seen.Error is not null)
                    throw seen.Error;
                var (key, absolute) = (new EntryKey(volume, PathText.Join(path, name)), Absolute(name));
                if (seen.Facts is { } facts && !Excludes(key, absolute, facts))
                    await NameAsync(new ReachedName(key, absolute, directory, subdirectories, i, facts, seen.SeenAt), cancellationToken).ConfigureAwait(false);
            }
            catch (SystemCallException error)
            {
                // Gone, or become something else, since it was listed: the next round sees what it is then.
                if (_round.LeaveOut(error) is { Length: > 0 } why)
                    _round.Warnings.Add(why);
            }
        }

        if (_round.Final && directory.Directory.Handle.Facts().Identity != directory.Self.Identity)
            throw new RelocateException($"{directory.Directory.Handle.Shown}: the directory changed while the final snapshot read it: something still writes", ExitCode.OurError);
    }

    private async ValueTask NameAsync(ReachedName reached, CancellationToken cancellationToken)
    {
        var ((volume, path), facts, directory) = (reached.Key, reached.Facts, reached.Parent.Directory);
        if (facts.Type is EntryType.Socket or EntryType.Device)
        {
            _round.Warnings.Add($"{directory.Show(reached.Name)}: skipped: a {(facts.Type == EntryType.Socket ? "socket" : "device node")}");
            return;
        }

        var inode = InodeOf(facts);
        var linked = facts.Type != EntryType.Directory && facts.Links > 1;
        if (linked && _firstNames.TryGetValue(inode, out var first) && first.Volume == volume)
        {
            await MeetAsync(volume, path, cancellationToken).ConfigureAwait(false);
            await PlainAsync(new TreeEntry { Volume = volume, Path = path, Type = EntryType.HardLink, LinkTarget = first.Path, Identity = facts.Identity }, cancellationToken).ConfigureAwait(false);
            return;
        }

        await MeetAsync(volume, path, cancellationToken).ConfigureAwait(false);
        if (facts.Type == EntryType.Directory)
        {
            await EnterAsync(reached, cancellationToken).ConfigureAwait(false);
            return;
        }

        var ranges = _round.Ranges[volume];
        if (Stands(facts) && !(_compareInFull.Count > 0 && _compareInFull.Contains(reached.Absolute)) && !(facts.Type == EntryType.File && ranges.MustRead(path)))
        {
            if (facts.Type == EntryType.File)
                ranges.Keep(path);
            await KeepAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (facts.Type == EntryType.File)
        {
            var read = await FileAsync(reached.Key, directory, reached.Name, cancellationToken).ConfigureAwait(false);

            // Another file may bear the name by now; the names that this one still has are not links to that.
            linked &= InodeOf(read) == inode;
        }
        else
        {
            var link = facts.Type == EntryType.SymbolicLink;
            await DescribeAsync(
                reached.Key, facts, link ? [] : FileMetadata.ReadAttributes(directory.Handle.ProcPath(reached.Name)), link ? directory.ReadLink(reached.Name) : "", reached.SeenAt, cancellationToken)
                .ConfigureAwait(false);
        }

        if (linked)
            _firstNames[inode] = reached.Key;
    }

    private async ValueTask EnterAsync(ReachedName reached, CancellationToken cancellationToken)
    {
        DirectoryListing below;
        try
        {
            below = await reached.Subdirectories.OpenAsync(reached.Index).ConfigureAwait(false);
        }
        catch (SystemCallException error) when (error.IsDenied && !_round.Final && !_round.Moves)
        {
            // The directory itself is known; what lies in it is not.
            _round.Warnings.Add($"{error.Message}; what it holds is not in this snapshot");
            await DescribeAsync(reached.Key, reached.Facts, [], "", reached.SeenAt, cancellationToken).ConfigureAwait(false);
            return;
        }

        await using (below.ConfigureAwait(false))
        {
            if (Stands(below.Self))
                await KeepAsync(cancellationToken).ConfigureAwait(false);
            else
                await DescribeAsync(reached.Key, below.Self, FileMetadata.ReadAttributes(below.Directory.Handle), "", reached.SeenAt, cancellationToken).ConfigureAwait(false);
            await DirectoryAsync(reached.Key.Volume, reached.Key.Path, reached.Absolute, below, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A file that has to be read; what it was when it was opened.</summary>
    private async ValueTask<FileFacts> FileAsync(EntryKey key, OpenDirectory directory, string name, CancellationToken cancellationToken)
    {
        var seenAt = _round.Now();
        var file = directory.OpenAt(name, Posix.ReadOnly | Posix.NonBlocking);
        RangedFile? ranged = null;
        FileJob job;
        try
        {
            var facts = file.Facts();
            if (facts.Type != EntryType.File)
                throw new SystemCallException("read", file.Shown, Posix.NotFound);
            var ranges = _round.Ranges[key.Volume];
            var old = Old();
            ranged = ranges.Open(key.Path, file, old is { Type: EntryType.File } ? new FileVersion(old.Blocks.Size, old.Digest) : null);
            job = new FileJob
            {
                Key = key,
                File = file,
                Ranged = ranged,
                Ranges = ranges,
                Facts = facts,
                Size = ranged.Stable ? ranged.Content.Facts().Size : facts.Size,
                SeenAt = seenAt,
                Old = old,
            };
        }
        catch
        {
            ranged?.Dispose();
            file.Dispose();
            throw;
        }

        _round.Counters.List(ranged.Listed ?? job.Size);
        _answered = true;
        await _output.PutAsync(job, cancellationToken).ConfigureAwait(false);
        await HandOutAsync(job, cancellationToken).ConfigureAwait(false);
        return job.Facts;
    }

    /// <summary>Hands out the chunks that hold data, in parts; holes, and what a list of changed ranges does not name, nobody reads.</summary>
    private async ValueTask HandOutAsync(FileJob job, CancellationToken cancellationToken)
    {
        var chunks = BlockMap.ChunksOf(job.Count);
        var last = new FileJobPart(0, 0);
        var skipped = job.Size;
        try
        {
            for (var chunk = NextChunk(job, 0, chunks, keep: true); chunk < chunks; chunk = NextChunk(job, chunk, chunks, keep: true))
            {
                if (last.Chunks > 0)
                {
                    job.Begin();
                    await SendAsync(job, last, cancellationToken).ConfigureAwait(false);
                }

                var count = 1;
                while (count < PartChunks && chunk + count < chunks && NextChunk(job, chunk + count, chunks, keep: false) == chunk + count)
                    count++;
                last = new FileJobPart(chunk, count);
                skipped -= Math.Min(count * BlockMap.ChunkLength, job.Size - chunk * BlockMap.ChunkLength);
                chunk += count;
            }

            _round.Counters.GoThrough(skipped);
        }
        catch (SystemCallException error)
        {
            job.Broken ??= error;
        }

        // The last one closes the job, an empty one where there is nothing to read.
        await SendAsync(job, last, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The next chunk to read; what is passed over because no range names it stays as it was, and is added to the file where that is asked for.</summary>
    private static long NextChunk(FileJob job, long from, long chunks, bool keep)
    {
        if (job.Ranged.ToRead is { } listed && job.Known is { IsInline: false } known)
        {
            for (; from < chunks; from++)
            {
                if (BlockMap.BlocksIn(job.Count, from) != (from < BlockMap.ChunksOf(known.Count) ? BlockMap.BlocksIn(known.Count, from) : 0) || Touches(listed, from * BlockMap.ChunkLength))
                    return from;
                if (keep && known.Find(from) is { } kept)
                    job.Add(kept);
            }

            return from;
        }

        if (chunks == 1 || from >= chunks)
            return from;
        var (data, _) = job.Ranged.Content.NextData(from * BlockMap.ChunkLength, job.Size);
        return data < job.Size ? Math.Max(from, data / BlockMap.ChunkLength) : chunks;
    }

    private static void Prefetch(RangedFile file, long offset, long length)
    {
        if (file.ToRead is not { } listed)
        {
            file.Content.Prefetch(offset, length);
            return;
        }

        for (var i = First(listed, offset); i < listed.Count && listed[i].Offset < offset + length; i++)
        {
            var from = Math.Max(listed[i].Offset, offset);
            file.Content.Prefetch(from, Math.Min(listed[i].End, offset + length) - from);
        }
    }

    private static bool Touches(IReadOnlyList<ByteRange> ranges, long offset)
        => First(ranges, offset) is var first && first < ranges.Count && ranges[first].Offset < offset + BlockMap.ChunkLength;

    /// <summary>The first range that ends behind an offset.</summary>
    private static int First(IReadOnlyList<ByteRange> ranges, long offset)
    {
        int low = 0, high = ranges.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ranges[middle].End <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private async ValueTask SendAsync(FileJob job, FileJobPart part, CancellationToken cancellationToken)
    {
        var offset = part.FirstChunk * BlockMap.ChunkLength;
        var length = Math.Min(job.Size - offset, part.Chunks * BlockMap.ChunkLength);
        var window = Math.Max(length, LeastWindow);
        await _window.TakeAsync(window, cancellationToken).ConfigureAwait(false);
        if (length > 0)
            Prefetch(job.Ranged, offset, length);
        job.HandOut(part);
        await _parts.WriteAsync(new PlannedPart(job, part, window), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask DescribeAsync(
        EntryKey key, FileFacts facts, System.Collections.Immutable.ImmutableArray<ExtendedAttribute> attributes, string link, long seenAt, CancellationToken cancellationToken)
        => await PlainAsync(EntryDescription.Of(key, facts, attributes, seenAt) with { LinkTarget = link }, cancellationToken).ConfigureAwait(false);

    private ValueTask PlainAsync(TreeEntry entry, CancellationToken cancellationToken)
    {
        _answered = true;
        return _output.PutAsync(new PlainName(entry, Old()), cancellationToken);
    }

    private ValueTask KeepAsync(CancellationToken cancellationToken)
    {
        _answered = true;
        return _output.KeepAsync(_journal!.Current.Bytes, cancellationToken);
    }

    /// <summary>Goes on in the journal to a name; what comes before it there is gone. Afterwards the journal's row is the name's, or it has none.</summary>
    private async ValueTask MeetAsync(int volume, string path, CancellationToken cancellationToken)
    {
        // The name before this one: it is in the snapshot, or it could not be read.
        if (_met)
        {
            if (!_answered)
                await GoneAsync(cancellationToken).ConfigureAwait(false);
            _journal!.MoveNext();
        }

        (_met, _answered) = (false, false);
        while (_journal is { HasCurrent: true })
        {
            var order = _journal.Current.CompareTo(volume, path);
            if (order > 0)
                return;
            if (order == 0)
            {
                (_met, _oldStat, _oldRacy) = (true, _journal.Current.Stat, _journal.Current.Racy);
                return;
            }

            await GoneAsync(cancellationToken).ConfigureAwait(false);
            _journal.MoveNext();
        }
    }

    private ValueTask GoneAsync(CancellationToken cancellationToken) => _output.PutAsync(new GoneName(_journal!.Current.Key, OldOf(_journal.Current)), cancellationToken);

    /// <summary>Whether the name is what the journal says, as far as the file system tells.</summary>
    private bool Stands(in FileFacts facts)
        => _met && !_oldRacy && !_round.CompareAll && _oldStat == facts.Identity && _journal!.Current.Type == facts.Type;

    private OldRow? Old() => _met ? OldOf(_journal!.Current) : null;

    private OldRow OldOf(JournalRow row)
        => new(row.Type, row.Digest.ToArray(), row.Type == EntryType.File ? row.Blocks(row.Size, _oldChunks!) : FileBlocks.None);

    private bool Excludes(EntryKey key, string absolute, in FileFacts facts)
        => _round.Request.Filter is { } filter && filter.Excludes(new FilteredEntry(
            _round.Request.Volumes[key.Volume].Name, key.Path, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.Latin1.GetBytes(absolute)),
            facts.Type == EntryType.Directory, facts.Type == EntryType.File ? facts.Size : 0));

    private static (ulong Device, ulong Inode) InodeOf(in FileFacts facts) => (facts.Identity.Device, facts.Identity.Inode);

    private static string Latin(string path) => System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(path));

    /// <summary>A name that the walk has come to.</summary>
    private readonly record struct ReachedName(EntryKey Key, string Absolute, DirectoryListing Parent, SubdirectoriesAhead Subdirectories, int Index, FileFacts Facts, long SeenAt)
    {
        public string Name => Parent.Names[Index];
    }
}
