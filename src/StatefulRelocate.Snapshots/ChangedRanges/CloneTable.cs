using System.IO.Hashing;
using System.Text;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.ChangedRanges;

/// <summary>A kept reflink.</summary>
/// <param name="Name">Its name in its directory.</param>
/// <param name="Identity">What it must still be, byte for byte and to the nanosecond.</param>
/// <param name="Version">The version of the file that it holds.</param>
/// <param name="Listed">Whether that version was read by a list only, which no round has checked yet.</param>
internal sealed record KeptClone(string Name, StatIdentity Identity, FileVersion Version, bool Listed);

/// <summary>
/// The reflinks of one volume, in a file beside the round journal. It names the boot that it was written in: what it says is worth
/// nothing after a crash of the machine, so it needs no fsync.
/// </summary>
/// <param name="BootId">The boot.</param>
/// <param name="Generation">Grows with every round that was sealed.</param>
/// <param name="SinceAudit">Rounds sealed since all that changed was read.</param>
/// <param name="Clones">The reflinks by their file's path.</param>
internal sealed record CloneTable(string BootId, long Generation, int SinceAudit, IReadOnlyDictionary<string, KeptClone> Clones)
{
    private const uint Magic = 0x304C4652;

    public void Save(string path)
    {
        using var content = new MemoryStream();
        using (var writer = new BinaryWriter(content, Encoding.Latin1, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(BootId);
            writer.Write(Generation);
            writer.Write(SinceAudit);
            writer.Write(Clones.Count);
            foreach (var (file, clone) in Clones)
            {
                writer.Write(file);
                writer.Write(clone.Name);
                writer.Write(clone.Identity.Device);
                writer.Write(clone.Identity.Inode);
                writer.Write(clone.Identity.Size);
                writer.Write(clone.Identity.Modified);
                writer.Write(clone.Identity.Changed);
                writer.Write(clone.Version.Size);
                writer.Write((byte)clone.Version.Digest.Length);
                writer.Write(clone.Version.Digest);
                writer.Write(clone.Listed);
            }
        }

        var bytes = content.GetBuffer().AsSpan(0, (int)content.Length);
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(bytes);
            file.Write(XxHash128.Hash(bytes));
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The table; null when it is damaged.</summary>
    public static CloneTable? Load(string path)
    {
        try
        {
            var content = File.ReadAllBytes(path);
            if (content.Length < 20 || !XxHash128.Hash(content.AsSpan(0, content.Length - 16)).AsSpan().SequenceEqual(content.AsSpan(content.Length - 16)))
                return null;
            using var reader = new BinaryReader(new MemoryStream(content, 0, content.Length - 16), Encoding.Latin1);
            if (reader.ReadUInt32() != Magic)
                return null;
            var (boot, generation, since, clones) = (reader.ReadString(), reader.ReadInt64(), reader.ReadInt32(), new Dictionary<string, KeptClone>());
            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                var file = reader.ReadString();
                clones[file] = new KeptClone(
                    reader.ReadString(),
                    new StatIdentity(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64()),
                    new FileVersion(reader.ReadInt64(), reader.ReadBytes(reader.ReadByte())),
                    reader.ReadBoolean());
            }

            return new CloneTable(boot, generation, since, clones);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
