using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Index;

/// <summary>
/// The index as this machine knew it last, in a file that is mapped and not read: a process that asks for few blocks touches few pages.
/// Slots, then the packs without their blocks, then a head with the names of the index objects that it stands for. It is never
/// authoritative: one that does not fit the repository's index objects is ignored. After another boot of the machine its checksum is verified in full.
/// </summary>
internal sealed unsafe class IndexCache : IDisposable
{
    private const uint Magic = 0x31584953;
    private const int TrailerLength = 24;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly int _capacity;

    private IndexCache(MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start, int capacity, IReadOnlyList<PackTable> packs, HashSet<string> objects, long blocks)
    {
        _start = start;
        (_file, _view, _capacity, Packs, Objects, Blocks) = (file, view, capacity, packs, objects, blocks);
    }

    /// <summary>Its packs, without ids.</summary>
    public IReadOnlyList<PackTable> Packs { get; }

    /// <summary>The index objects whose packs are in it.</summary>
    public HashSet<string> Objects { get; }

    public long Blocks { get; }

    public Span<BlockSlot> Slots => new(_start, _capacity);

    public BlockPlace? Find(UInt128 id) => BlockSlot.Find(Slots, id) is { IsFree: false } slot ? slot.Place : null;

    /// <summary>Maps a cache; null when there is none, or it is another repository's or damaged.</summary>
    public static IndexCache? Open(string path, string repositoryId)
    {
        MemoryMappedFile? file = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            var length = new FileInfo(path) is { Exists: true } there ? there.Length : 0;
            if (length < TrailerLength)
                return null;
            file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            var cache = Read(file, view, start, length, repositoryId);
            if (cache is not null)
                (file, view) = (null, null);
            return cache;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return null;
        }
        finally
        {
            view?.Dispose();
            file?.Dispose();
        }
    }

    /// <summary>Writes a cache in place of the one before.</summary>
    public static void Save(string path, string repositoryId, IReadOnlyCollection<string> objects, IReadOnlyList<PackTable> packs, long blocks, IEnumerable<BlockSlot> slots)
    {
        var temporary = path + ".new";
        var capacity = BlockSlot.CapacityFor(blocks);
        var head = Head(repositoryId, objects, packs, capacity, blocks);
        var slotsLength = (long)capacity * BlockSlot.Size;
        using (var stream = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,

            // Two processes that share a cache do not write into one file; and a full disk is an error here, where a store through the mapping would kill the process.
            Share = FileShare.None,
            PreallocationSize = slotsLength,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            // Filled through a mapping: what is large is the page cache's, not this process's.
            stream.SetLength(slotsLength);
            ulong hash;
            using (var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true))
            using (var view = file.CreateViewAccessor(0, slotsLength))
            {
                byte* start = null;
                view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
                try
                {
                    var table = new Span<BlockSlot>(start, capacity);
                    foreach (var slot in slots)
                        BlockSlot.Find(table, slot.Id) = slot;
                    hash = Hash(start, slotsLength);
                }
                finally
                {
                    view.SafeMemoryMappedViewHandle.ReleasePointer();
                }
            }

            var trailer = new byte[TrailerLength];
            MemoryMarshal.Write(trailer, (long)head.Length);
            MemoryMarshal.Write(trailer.AsSpan(8), hash);
            MemoryMarshal.Write(trailer.AsSpan(16), XxHash3.HashToUInt64([.. head, .. trailer.AsSpan(0, 16)]));
            stream.Position = slotsLength;
            stream.Write(head);
            stream.Write(trailer);
            stream.Flush();

            // While it is locked: nobody else begins the file anew under the temporary name.
            File.Move(temporary, path, overwrite: true);
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private static IndexCache? Read(MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start, long length, string repositoryId)
    {
        var trailer = new ReadOnlySpan<byte>(start + length - TrailerLength, TrailerLength);
        var headLength = MemoryMarshal.Read<long>(trailer);
        if (headLength < 0 || headLength > Math.Min(length - TrailerLength, int.MaxValue))
            return null;
        var head = new ReadOnlySpan<byte>(start + length - TrailerLength - headLength, (int)headLength).ToArray();
        if (MemoryMarshal.Read<ulong>(trailer[16..]) != XxHash3.HashToUInt64([.. head, .. trailer[..16]]))
            return null;
        using var reader = new BinaryReader(new MemoryStream(head));
        if (reader.ReadUInt32() != Magic || reader.ReadString() != repositoryId)
            return null;
        var boot = reader.ReadString();
        var (capacity, blocks) = (reader.ReadInt32(), reader.ReadInt64());
        var slotsLength = (long)capacity * BlockSlot.Size;
        if (slotsLength != length - TrailerLength - headLength || (boot != KernelClock.BootId() && Hash(start, slotsLength) != MemoryMarshal.Read<ulong>(trailer[8..])))
            return null;
        var objects = new HashSet<string>(StringComparer.Ordinal);
        for (var left = reader.ReadInt32(); left > 0; left--)
            objects.Add(reader.ReadString());
        var packs = new PackTable[reader.ReadInt32()];
        for (var i = 0; i < packs.Length; i++)
            packs[i] = PackTable.ReadWithoutBlocks(reader);
        return new IndexCache(file, view, start, capacity, packs, objects, blocks);
    }

    private static byte[] Head(string repositoryId, IReadOnlyCollection<string> objects, IReadOnlyList<PackTable> packs, int capacity, long blocks)
    {
        using var memory = new MemoryStream();
        using (var writer = new BinaryWriter(memory, Encoding.UTF8))
        {
            writer.Write(Magic);
            writer.Write(repositoryId);
            writer.Write(KernelClock.BootId());
            writer.Write(capacity);
            writer.Write(blocks);
            writer.Write(objects.Count);
            foreach (var name in objects)
                writer.Write(name);
            writer.Write(packs.Count);
            foreach (var pack in packs)
                pack.WriteWithoutBlocks(writer);
        }

        return memory.ToArray();
    }

    private static ulong Hash(byte* start, long length)
    {
        var hash = new XxHash3();
        for (long at = 0; at < length; at += 1 << 20)
            hash.Append(new ReadOnlySpan<byte>(start + at, (int)Math.Min(1 << 20, length - at)));
        return hash.GetCurrentHashAsUInt64();
    }
}
