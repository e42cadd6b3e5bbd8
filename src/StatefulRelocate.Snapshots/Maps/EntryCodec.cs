using System.Collections.Immutable;
using System.Text;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>The bytes of an entry, the same in layers, journals and hashes. Counts are 7-bit groups, low first; numbers little-endian.</summary>
internal static class EntryCodec
{
    private const int MaxText = 1 << 16, MaxAttributes = 4096;

    public static void WriteIdentity(BinaryWriter writer, TreeEntry entry)
    {
        writer.Write7BitEncodedInt(entry.Volume);
        WriteBytes(writer, Encoding.Latin1.GetBytes(entry.Path));
        writer.Write((byte)entry.Type);
        writer.Write(entry.Mode);
        writer.Write(entry.User);
        writer.Write(entry.Group);
        writer.Write(entry.ModifiedSeconds);
        writer.Write(entry.ModifiedNanoseconds);
        writer.Write(entry.Size);
        WriteBytes(writer, Encoding.Latin1.GetBytes(entry.LinkTarget));
        writer.Write7BitEncodedInt(entry.Attributes.Length);
        foreach (var attribute in entry.Attributes)
        {
            WriteBytes(writer, Encoding.Latin1.GetBytes(attribute.Name));
            WriteBytes(writer, attribute.Value);
        }
    }

    public static TreeEntry ReadIdentity(BinaryReader reader, string where)
    {
        var entry = new TreeEntry
        {
            Volume = reader.Read7BitEncodedInt(),
            Path = ReadText(reader, where),
            Type = (EntryType)reader.ReadByte(),
            Mode = reader.ReadUInt32(),
            User = reader.ReadUInt32(),
            Group = reader.ReadUInt32(),
            ModifiedSeconds = reader.ReadInt64(),
            ModifiedNanoseconds = reader.ReadUInt32(),
            Size = reader.ReadInt64(),
            LinkTarget = ReadText(reader, where),
            Attributes = ReadAttributes(reader, where),
        };
        if (!PathText.IsSafe(entry.Path) || (entry.Type == EntryType.HardLink && (entry.LinkTarget.Length == 0 || !PathText.IsSafe(entry.LinkTarget))))
            throw new DamageException(where, $"it names a path that leads outside the volume: '{PathText.Show(entry.Path)}'");
        if (entry.Volume is < 0 or > 4096 || entry.Size is < 0 or > Chunks.BlockMap.MaxFileSize || entry.Mode > 0xFFF || entry.ModifiedNanoseconds > 999_999_999
            || entry.Type is not (EntryType.File or EntryType.Directory or EntryType.SymbolicLink or EntryType.HardLink or EntryType.Fifo)
            || (entry.Path.Length == 0 && entry.Type != EntryType.Directory))
            throw new DamageException(where, $"the entry '{PathText.Show(entry.Path)}' is impossible");
        return entry;
    }

    public static void WriteBytes(BinaryWriter writer, byte[] value)
    {
        writer.Write7BitEncodedInt(value.Length);
        writer.Write(value);
    }

    public static byte[] ReadBytes(BinaryReader reader, string where)
    {
        var length = reader.Read7BitEncodedInt();
        if (length is < 0 or > MaxText)
            throw new DamageException(where, "a length in it is impossible");
        var value = reader.ReadBytes(length);
        return value.Length == length ? value : throw new EndOfStreamException();
    }

    public static string ReadText(BinaryReader reader, string where) => Encoding.Latin1.GetString(ReadBytes(reader, where));

    private static ImmutableArray<ExtendedAttribute> ReadAttributes(BinaryReader reader, string where)
    {
        var count = reader.Read7BitEncodedInt();
        if (count is < 0 or > MaxAttributes)
            throw new DamageException(where, "a length in it is impossible");
        var attributes = ImmutableArray.CreateBuilder<ExtendedAttribute>();
        for (var i = 0; i < count; i++)
            attributes.Add(new ExtendedAttribute(ReadText(reader, where), ReadBytes(reader, where)));
        return attributes.ToImmutable();
    }
}
