using System.Collections.Immutable;

namespace StatefulRelocate.Snapshots.Journals;

/// <summary>What a journal says of the round as a whole.</summary>
internal sealed record JournalHead
{
    public required string RepositoryId { get; init; }

    /// <summary>The machine's boot in which it was written: after another one its files may not be what was last written, and everything is compared.</summary>
    public required string BootId { get; init; }

    public required string SnapshotId { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The secret of the fingerprints.</summary>
    public long Seed { get; init; }

    public ImmutableArray<string> Volumes { get; init; } = [];

    public ImmutableArray<ImmutableArray<string>> Layers { get; init; } = [];

    /// <summary>The space of the chunk file.</summary>
    public ChunkSpace Space { get; init; } = new(0, []);

    /// <summary>Rows in the table.</summary>
    public long Entries { get; init; }

    public void Write(BinaryWriter writer)
    {
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

        writer.Write(Entries);
        writer.Write(Space.End);
        writer.Write(Space.Free.Count);
        foreach (var (offset, capacity) in Space.Free)
        {
            writer.Write(offset);
            writer.Write(capacity);
        }
    }

    public static JournalHead Read(BinaryReader reader) => new()
    {
        RepositoryId = reader.ReadString(),
        BootId = reader.ReadString(),
        SnapshotId = reader.ReadString(),
        StartedAt = new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero),
        Seed = reader.ReadInt64(),
        Volumes = Many(reader, () => reader.ReadString()),
        Layers = Many(reader, () => Many(reader, () => reader.ReadString())),
        Entries = reader.ReadInt64(),
        Space = new ChunkSpace(reader.ReadInt64(), Many(reader, () => (reader.ReadInt64(), reader.ReadInt32()))),
    };

    private static ImmutableArray<T> Many<T>(BinaryReader reader, Func<T> read)
    {
        var items = ImmutableArray.CreateBuilder<T>();
        for (var left = reader.ReadInt32(); left > 0; left--)
            items.Add(read());
        return items.ToImmutable();
    }
}
