using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>
/// Says, for one volume in one round, which bytes of a file may have changed since the round before, so that a final round reads what
/// changed and not the volume. A list may name too much, never too little; where a driver cannot be sure it says that it does not know.
/// Used from several threads at once, each file by one call at a time.
/// </summary>
internal interface IChangedRanges : IDisposable
{
    /// <summary>The driver that serves the volume: <c>scan</c> or <c>reflink</c>.</summary>
    string Driver { get; }

    /// <summary>Whether a file must be opened although its stat identity stands: its content came from a list that no round has checked yet.</summary>
    bool MustRead(string path);

    /// <summary>The file is carried over from the round before without being opened.</summary>
    void Keep(string path);

    /// <summary>How to read one file in this round. Disposed by the caller when it was read.</summary>
    /// <param name="path">The file's path in the volume, as in the tree's entries.</param>
    /// <param name="file">The file, open for reading.</param>
    /// <param name="before">
    /// What the round before says about this path, or null when that is nothing or no file. A stat identity that cannot be trusted is no matter: what is compared is
    /// the content that the digest stands for, and the driver knows by itself where it has that.
    /// </param>
    RangedFile Open(string path, OpenFile file, FileVersion? before);

    /// <summary>The file was read as <paramref name="file"/> says; the round will seal it as <paramref name="version"/>.</summary>
    void Finish(string path, RangedFile file, FileVersion version);

    /// <summary>The round is sealed, and its journal about to be written: what was remembered for the round before is given up. Without this call the state before stays.</summary>
    void Commit();
}

/// <summary>One version of a file's content as a round knows it.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Digest">The digest of its entry or of its block map: different for different content.</param>
internal sealed record FileVersion(long Size, byte[] Digest)
{
    public bool Is(long size, ReadOnlySpan<byte> digest) => Size == size && Digest.Length > 0 && digest.SequenceEqual(Digest);
}
