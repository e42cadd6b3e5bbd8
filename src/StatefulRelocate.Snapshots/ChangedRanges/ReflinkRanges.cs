using System.Collections.Concurrent;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>
/// Keeps a reflink of each changed file per live round and reads from it. The next round makes another and compares where both lie: the older one pins its
/// extents, so that what lies at the same place is the same, and all that was ever written since lies elsewhere.
/// </summary>
internal sealed class ReflinkRanges : IChangedRanges
{
    /// <summary>Smaller files are read whole: one read costs less than a reflink and two extent maps.</summary>
    public const long MinSize = 1 << 20;

    /// <summary>Bounds memory and what a round leaves behind; further files are read whole.</summary>
    public const int MaxClones = 100_000;

    private readonly CloneDirectory _clones;
    private readonly ReflinkFiles _files;
    private readonly CloneTable _before;
    private readonly bool _audit, _final;
    private readonly Action<string> _warn;
    private readonly ConcurrentDictionary<string, KeptClone> _now = new();
    private readonly ConcurrentDictionary<RangedFile, string> _names = new();
    private readonly ConcurrentDictionary<RangedFile, KeptClone> _bases = new();
    private long _made;
    private volatile bool _serving;
    private bool _committed;

    /// <param name="clones">Where the reflinks are.</param>
    /// <param name="files">The state beside the journal.</param>
    /// <param name="before">What the last sealed round left.</param>
    /// <param name="serving">Whether new reflinks are made; else this round only reads what no round has checked, and gives all up.</param>
    /// <param name="audit">Whether everything is read and the lists only checked.</param>
    /// <param name="final">
    /// Whether nothing writes any more. Then no reflink is made: the file itself is compared with the one of the round before, and that one stays. What differs from it later is what
    /// changed in the final round and after, so a later list names too much, never too little.
    /// </param>
    /// <param name="warn">Takes what the user must be told.</param>
    public ReflinkRanges(CloneDirectory clones, ReflinkFiles files, CloneTable before, bool serving, bool audit, bool final, Action<string> warn)
    {
        (_clones, _files, _before, _serving, _audit, _final, _warn) = (clones, files, before, serving, audit, final, warn);
        _clones.RemoveAllBut(_before.Clones.Values.Select(c => c.Name).ToHashSet());
    }

    public string Driver => _serving ? "reflink" : "scan";

    public bool MustRead(string path) => (_audit || !_serving) && _before.Clones.TryGetValue(path, out var kept) && kept.Listed;

    public void Keep(string path)
    {
        if (_before.Clones.TryGetValue(path, out var kept))
            _now[path] = kept;
    }

    public RangedFile Open(string path, OpenFile file, FileVersion? before)
    {
        if (!_serving || file.Facts().Size < MinSize || Interlocked.Read(ref _made) >= MaxClones)
            return new RangedFile(file, null, null, _audit);
        if (_final && !_audit)
            return OpenFinal(path, file, before);
        var name = $"{_before.Generation + 1:x}-{Interlocked.Increment(ref _made):x}";
        OpenFile? clone = null;
        try
        {
            clone = _clones.Clone(file, name);
            if (clone is null)
                return new RangedFile(file, null, null, _audit);
            var ranged = new RangedFile(file, clone, Compare(path, clone, before), _audit);
            _names[ranged] = name;
            return ranged;
        }
        catch (SystemCallException)
        {
            // Full, or taken away: nothing is known then, and the file itself can be read.
            clone?.Dispose();
            return new RangedFile(file, null, null, _audit);
        }
    }

    public void Finish(string path, RangedFile file, FileVersion version)
    {
        if (file.Missed >= 0)
            Retire(path, file.Missed);
        if (!_serving)
            return;
        if (_bases.TryGetValue(file, out var kept))
            _now[path] = kept with { Version = version, Listed = true };
        if (!_names.TryGetValue(file, out var name))
            return;
        var identity = file.Content.Facts().Identity;
        if (identity.Size == version.Size)
            _now[path] = new KeptClone(name, identity, version, Listed: file.ToRead is not null);
    }

    public void Commit()
    {
        var kept = _serving ? _now.ToDictionary() : [];
        if (_serving)
            new CloneTable(_before.BootId, _before.Generation + 1, _audit ? 0 : _before.SinceAudit + 1, kept).Save(_files.Table);
        else
            File.Delete(_files.Table);
        _committed = true;
        _clones.RemoveAllBut(kept.Values.Select(c => c.Name).ToHashSet());
        if (!_serving)
            _clones.RemoveIfEmpty();
    }

    public void Dispose()
    {
        try
        {
            if (!_committed)
                _clones.RemoveAllBut(_before.Clones.Values.Select(c => c.Name).ToHashSet());
        }
        catch (SystemCallException)
        {
            // The next round removes them.
        }

        _clones.Dispose();
    }

    private RangedFile OpenFinal(string path, OpenFile file, FileVersion? before)
    {
        try
        {
            var ranged = new RangedFile(file, null, Compare(path, file, before), audit: false);
            if (ranged.ToRead is not null)
                _bases[ranged] = _before.Clones[path];
            return ranged;
        }
        catch (SystemCallException)
        {
            return new RangedFile(file, null, null, audit: false);
        }
    }

    private List<ByteRange>? Compare(string path, OpenFile now, FileVersion? before)
    {
        if (before is null || !_before.Clones.TryGetValue(path, out var kept) || !kept.Version.Is(before.Size, before.Digest))
            return null;

        // After a final round the version is younger than the reflink, and the file may have been shorter in between.
        using var older = _clones.Find(kept);
        return older is null ? null : ExtentComparison.Compare(older, Math.Min(kept.Identity.Size, kept.Version.Size), now, now.Facts().Size);
    }

    private void Retire(string path, long offset)
    {
        var why = $"{Maps.PathText.Show(path)} changed at byte {offset}, and the reflink driver's list did not name it";
        RetiredMark.Set(_files.Retired, why);
        if (!_serving)
            return;
        _serving = false;
        _warn($"{why}: this volume's changed ranges are found by scanning from now on (remove {_files.Retired} to use the driver again); this round read everything");
    }
}

/// <summary>The files beside the round journal that a volume's reflinks are remembered in.</summary>
internal sealed record ReflinkFiles(string Journal, string Volume)
{
    public string Table => Path.Combine(Journal, $"reflinks-{Volume}.table");

    public string Retired => Path.Combine(Journal, $"reflinks-{Volume}.retired");

    /// <summary>Tells the reflinks of this journal from those of another that snapshots the same directory.</summary>
    public string Owner => $"{Path.GetFullPath(Journal)}\0{Volume}";
}
