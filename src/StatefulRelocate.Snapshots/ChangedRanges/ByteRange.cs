namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>A run of bytes in a file.</summary>
internal readonly record struct ByteRange(long Offset, long Length)
{
    public long End => Offset + Length;
}
