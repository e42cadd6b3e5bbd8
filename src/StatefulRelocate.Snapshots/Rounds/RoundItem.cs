using System.Buffers;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the planner hands to the sequencer, in path order.</summary>
internal abstract class RoundItem;

/// <summary>Rows of the journal that stand as they are, one after another.</summary>
internal sealed class KeptRows(byte[] rows, int length) : RoundItem
{
    public ReadOnlySpan<byte> Rows => rows.AsSpan(0, length);

    /// <summary>Gives the buffer back; the rows are not looked at any more.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(rows);
}

/// <summary>What the journal says of a name that is gone, or has changed.</summary>
/// <param name="Type">What it was.</param>
/// <param name="Digest">The hash of its entry.</param>
/// <param name="Blocks">A file's blocks.</param>
internal sealed record OldRow(EntryType Type, byte[] Digest, FileBlocks Blocks);

/// <summary>A name that the round before had and this one has not.</summary>
internal sealed class GoneName(EntryKey key, OldRow old) : RoundItem
{
    public EntryKey Key => key;

    public OldRow Old => old;
}

/// <summary>A name without content, as it was found.</summary>
internal sealed class PlainName(TreeEntry entry, OldRow? old) : RoundItem
{
    public TreeEntry Entry => entry;

    public OldRow? Old => old;
}
