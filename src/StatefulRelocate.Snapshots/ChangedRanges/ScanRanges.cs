using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>Never knows: every file whose stat identity moved is read, and its blocks compared by their fingerprints.</summary>
internal sealed class ScanRanges : IChangedRanges
{
    public static ScanRanges Instance { get; } = new();

    public string Driver => "scan";

    public bool MustRead(string path) => false;

    public void Keep(string path)
    {
    }

    public RangedFile Open(string path, OpenFile file, FileVersion? before) => new(file, null, null, audit: false);

    public void Finish(string path, RangedFile file, FileVersion version)
    {
    }

    public void Commit()
    {
    }

    public void Dispose()
    {
    }
}
