using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>Makes the row of an entry, and its hash on the way. Used by one thread at a time.</summary>
internal sealed class RowBuilder : IDisposable
{
    private readonly KeyRing _keys;
    private readonly MemoryStream _buffer = new(1024);
    private readonly BinaryWriter _writer;

    public RowBuilder(KeyRing keys)
    {
        _keys = keys;
        _writer = new BinaryWriter(_buffer);
    }

    /// <summary>The row, with the hash computed where the entry has none.</summary>
    public byte[] Build(TreeEntry entry, FileBlocks blocks)
    {
        _buffer.SetLength(JournalRow.IdentityAt);
        _buffer.Position = JournalRow.IdentityAt;
        EntryCodec.WriteIdentity(_writer, entry);
        _writer.Flush();
        var blocksAt = (int)_buffer.Length;
        var digests = blocks.DigestsLength;
        var stored = blocks.IsInline ? (blocks.Ids.Length + blocks.Fingerprints.Length) * 16 : blocks.Chunks.Length * ChunkRef.Length;
        _buffer.SetLength(blocksAt + Math.Max(digests, stored));
        var bytes = _buffer.GetBuffer().AsSpan(0, (int)_buffer.Length);

        // The digests stand behind the identity only for the hash, and give way to the blocks.
        Span<byte> digest = stackalloc byte[32];
        if (entry.Digest.Length > 0)
            entry.Digest.CopyTo(digest);
        else
            HMACSHA256.HashData(_keys.TreeKey, bytes[JournalRow.IdentityAt..(blocksAt + blocks.WriteDigests(_keys, bytes[blocksAt..]))], digest);

        var row = new byte[blocksAt + stored];
        bytes[..blocksAt].CopyTo(row);
        BinaryPrimitives.WriteInt32LittleEndian(row, row.Length);
        row[JournalRow.FlagsAt] = (byte)((entry.Racy ? JournalRow.RacyFlag : 0) | (entry.Substituted ? JournalRow.SubstitutedFlag : 0));
        row[JournalRow.TypeAt] = (byte)entry.Type;
        BinaryPrimitives.WriteInt32LittleEndian(row.AsSpan(JournalRow.BlocksAt), blocksAt);
        MemoryMarshal.Write(row.AsSpan(JournalRow.StatAt), entry.Identity);
        digest.CopyTo(row.AsSpan(JournalRow.DigestAt));
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(JournalRow.ActualUserAt), entry.ActualUser);
        BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(JournalRow.ActualGroupAt), entry.ActualGroup);
        if (blocks.IsInline)
        {
            MemoryMarshal.AsBytes(blocks.Ids.AsSpan()).CopyTo(row.AsSpan(blocksAt));
            MemoryMarshal.AsBytes(blocks.Fingerprints.AsSpan()).CopyTo(row.AsSpan(blocksAt + blocks.Ids.Length * 16));
        }
        else
        {
            MemoryMarshal.AsBytes(blocks.Chunks.AsSpan()).CopyTo(row.AsSpan(blocksAt));
        }

        return row;
    }

    public void Dispose()
    {
        _writer.Dispose();
        _buffer.Dispose();
    }
}
