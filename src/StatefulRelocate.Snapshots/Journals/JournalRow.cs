using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>
/// One row of a journal's table, looked at in place:
/// length 4, flags 1, type 1, blocks at 4 (from the row's start), stat identity 40, digest 32, actual user 4, actual group 4, identity as
/// in a layer, then the blocks (ids and fingerprints of a small file, references of a larger one).
/// </summary>
internal readonly ref struct JournalRow
{
    public const int FlagsAt = 4, TypeAt = 5, BlocksAt = 6, StatAt = 10, DigestAt = 50, ActualUserAt = 82, ActualGroupAt = 86, IdentityAt = 90;
    public const byte RacyFlag = 1, SubstitutedFlag = 2, FingerprintsFlag = 4;

    public JournalRow(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    public ReadOnlySpan<byte> Bytes { get; }

    public bool Racy => (Bytes[FlagsAt] & RacyFlag) != 0;

    public EntryType Type => (EntryType)Bytes[TypeAt];

    public StatIdentity Stat => MemoryMarshal.Read<StatIdentity>(Bytes[StatAt..]);

    public ReadOnlySpan<byte> Digest => Bytes.Slice(DigestAt, 32);

    /// <summary>Bytes of a file; 0 of all else.</summary>
    public long Size
    {
        get
        {
            // Behind the path: type 1, mode 4, user 4, group 4, modified 8 and 4.
            const int sizeBehindPath = 25;
            var path = PathBytes(out _);
            return BinaryPrimitives.ReadInt64LittleEndian(Bytes[(PathAt() + path.Length + sizeBehindPath)..]);
        }
    }

    public EntryKey Key
    {
        get
        {
            var path = PathBytes(out var volume);
            return new EntryKey(volume, Encoding.Latin1.GetString(path));
        }
    }

    /// <summary>Orders the row's name and another.</summary>
    public int CompareTo(int volume, ReadOnlySpan<char> path)
    {
        var mine = PathBytes(out var myVolume);
        if (myVolume != volume)
            return myVolume.CompareTo(volume);
        var length = Math.Min(mine.Length, path.Length);
        for (var i = 0; i < length; i++)
        {
            if (mine[i] != path[i])
                return (mine[i] == '/' ? 0 : mine[i]) - (path[i] == '/' ? 0 : path[i]);
        }

        return mine.Length - path.Length;
    }

    /// <summary>The entry without its blocks.</summary>
    public TreeEntry Entry()
    {
        var identity = Bytes[IdentityAt..(int)BinaryPrimitives.ReadUInt32LittleEndian(Bytes[BlocksAt..])];
        using var reader = new BinaryReader(new MemoryStream(identity.ToArray()));
        return EntryCodec.ReadIdentity(reader, "the round journal") with
        {
            Digest = Digest.ToArray(),
            Identity = Stat,
            Racy = Racy,
            Substituted = (Bytes[FlagsAt] & SubstitutedFlag) != 0,
            ActualUser = BinaryPrimitives.ReadUInt32LittleEndian(Bytes[ActualUserAt..]),
            ActualGroup = BinaryPrimitives.ReadUInt32LittleEndian(Bytes[ActualGroupAt..]),
        };
    }

    /// <summary>The blocks of a file.</summary>
    /// <param name="size">Its size in the snapshot.</param>
    /// <param name="file">Where references lead.</param>
    public FileBlocks Blocks(long size, ChunkFile file)
    {
        var stored = Bytes[(int)BinaryPrimitives.ReadUInt32LittleEndian(Bytes[BlocksAt..])..];
        var count = Chunks.Blocks.Count(size);
        if (count > FileBlocks.InlineBlocks)
            return new FileBlocks { Size = size, Chunks = MemoryMarshal.Cast<byte, ChunkRef>(stored).ToArray(), File = file };
        var ids = MemoryMarshal.Cast<byte, UInt128>(stored);
        return new FileBlocks { Size = size, Ids = ids[..(int)count].ToArray(), Fingerprints = ids[(int)count..].ToArray(), File = file };
    }

    private int PathAt()
    {
        var at = IdentityAt;
        _ = ReadInt(Bytes, ref at);
        _ = ReadInt(Bytes, ref at);
        return at;
    }

    private ReadOnlySpan<byte> PathBytes(out int volume)
    {
        var at = IdentityAt;
        volume = ReadInt(Bytes, ref at);
        var length = ReadInt(Bytes, ref at);
        return Bytes.Slice(at, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ReadInt(ReadOnlySpan<byte> bytes, ref int at)
    {
        var (value, shift) = (0, 0);
        while (true)
        {
            var next = bytes[at++];
            value |= (next & 0x7F) << shift;
            if (next < 0x80)
                return value;
            shift += 7;
        }
    }
}
