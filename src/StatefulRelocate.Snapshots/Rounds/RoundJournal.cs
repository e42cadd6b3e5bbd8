using System.Collections.Immutable;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// What one side remembers of the last round: each entry with its stat identity and block ids (on the source also fingerprints). It
/// carries the boot id and a checksum of itself, so it needs no fsync: after a crash of the machine it is another boot, and the
/// files are compared in full.
/// </summary>
internal sealed record RoundJournal
{
    private const uint Magic = 0x304A5253;

    public required string RepositoryId { get; init; }

    public required string BootId { get; init; }

    public required string SnapshotId { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The secret of the fingerprints.</summary>
    public long Seed { get; init; }

    public ImmutableArray<string> Volumes { get; init; } = [];

    public ImmutableArray<ImmutableArray<string>> Layers { get; init; } = [];

    public required SortedDictionary<EntryKey, TreeEntry> Entries { get; init; }

    /// <summary>Puts it in place of the one before.</summary>
    public void Save(string path)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            using var hashing = new HashingStream(file);
            using (var buffered = new BufferedStream(hashing, 1 << 18))
            using (var writer = new BinaryWriter(buffered, Encoding.UTF8, leaveOpen: true))
                Write(writer);
            file.Write(hashing.Hash());
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The journal, or null when there is none or it is damaged: all is then read again.</summary>
    public static RoundJournal? Load(string path)
    {
        try
        {
            if (!File.Exists(path))
                return null;
            var content = File.ReadAllBytes(path);
            if (content.Length < 32 || !XxHash128.Hash(content.AsSpan(0, content.Length - 16)).AsSpan().SequenceEqual(content.AsSpan(content.Length - 16)))
                return null;
            using var reader = new BinaryReader(new MemoryStream(content, 0, content.Length - 16));
            return reader.ReadUInt32() == Magic ? Read(reader, path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or Core.Errors.RelocateException)
        {
            return null;
        }
    }

    private void Write(BinaryWriter writer)
    {
        writer.Write(Magic);
        writer.Write(RepositoryId);
        writer.Write(BootId);
        writer.Write(SnapshotId);
        writer.Write(StartedAt.UtcTicks);
        writer.Write(Seed);
        writer.Write(Volumes.Length);
        foreach (var volume in Volumes)
            writer.Write(volume);
        writer.Write(Layers.Length);
        foreach (var layer in Layers)
        {
            writer.Write(layer.Length);
            foreach (var part in layer)
                writer.Write(part);
        }

        writer.Write(Entries.Count);
        foreach (var entry in Entries.Values)
        {
            EntryCodec.WriteIdentity(writer, entry);
            writer.Write(entry.Digest);
            writer.Write(entry.Identity.Device);
            writer.Write(entry.Identity.Inode);
            writer.Write(entry.Identity.Size);
            writer.Write(entry.Identity.Modified);
            writer.Write(entry.Identity.Changed);
            writer.Write(entry.Racy);
            writer.Write(entry.Substituted);
            writer.Write(entry.ActualUser);
            writer.Write(entry.ActualGroup);
            WriteArray(writer, Ids(entry.Blocks));
            WriteArray(writer, entry.Fingerprints);
        }
    }

    private static RoundJournal Read(BinaryReader reader, string where)
    {
        var journal = new RoundJournal
        {
            RepositoryId = reader.ReadString(),
            BootId = reader.ReadString(),
            SnapshotId = reader.ReadString(),
            StartedAt = new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero),
            Seed = reader.ReadInt64(),
            Volumes = Many(reader, () => reader.ReadString()),
            Layers = Many(reader, () => Many(reader, () => reader.ReadString())),
            Entries = [],
        };
        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            var entry = EntryCodec.ReadIdentity(reader, where) with
            {
                Digest = reader.ReadBytes(32),
                Identity = new StatIdentity(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64()),
                Racy = reader.ReadBoolean(),
                Substituted = reader.ReadBoolean(),
                ActualUser = reader.ReadUInt32(),
                ActualGroup = reader.ReadUInt32(),
                Blocks = BlockMap.Of(ReadArray(reader)),
                Fingerprints = ReadArray(reader),
            };
            journal.Entries.Add(entry.Key, entry);
        }

        return journal;
    }

    private static ImmutableArray<T> Many<T>(BinaryReader reader, Func<T> read)
    {
        var items = ImmutableArray.CreateBuilder<T>();
        for (var left = reader.ReadInt32(); left > 0; left--)
            items.Add(read());
        return items.ToImmutable();
    }

    private static UInt128[] Ids(BlockMap map)
    {
        var ids = new UInt128[map.Count];
        foreach (var (number, chunk) in map.Stored())
            chunk.Ids.CopyTo(ids, number * BlockMap.ChunkBlocks);
        return ids;
    }

    private static void WriteArray(BinaryWriter writer, UInt128[] values)
    {
        writer.Write(values.Length);
        writer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
    }

    private static UInt128[] ReadArray(BinaryReader reader)
    {
        var values = new UInt128[reader.ReadInt32()];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Hashes what passes through.</summary>
    private sealed class HashingStream(Stream inner) : Stream
    {
        private readonly XxHash128 _hash = new();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public byte[] Hash() => _hash.GetCurrentHash();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _hash.Append(buffer);
            inner.Write(buffer);
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
