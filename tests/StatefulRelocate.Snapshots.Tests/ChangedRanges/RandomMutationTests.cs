using System.Globalization;
using System.IO.MemoryMappedFiles;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.ChangedRanges;

/// <summary>Whatever an app does to its files, the list of the next round names every byte that changed.</summary>
public sealed class RandomMutationTests
{
    private static readonly string[] Files = ["a", "b", "c"];

    [Theory]
    [InlineData("xfs", "")]
    [InlineData("btrfs", "")]
    public void No_change_is_missing_from_a_list(string type, string options)
    {
        var seed = Environment.GetEnvironmentVariable("RELOCATE_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : 11;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        using var rounds = new ReflinkRounds(type, options);
        foreach (var file in Files)
            File.WriteAllBytes(rounds.In(file), Bytes(random, random.Next(1 << 20, 4 << 20)));
        Assert.All(rounds.Round(Files).Values, Assert.Null);
        int known = 0, most = Environment.GetEnvironmentVariable("RELOCATE_LONG") == "1" ? 400 : 25;
        for (var round = 0; round < most; round++)
        {
            for (var changes = random.Next(6); changes > 0; changes--)
                Mutate(random, rounds.In(Files[random.Next(Files.Length)]), rounds.In(Files[random.Next(Files.Length)]));

            // Some rounds are final ones, some fail, and the next starts from the one before.
            known += rounds.Round(Files, commit: random.Next(4) != 0, final: random.Next(3) == 0).Values.Count(l => l is not null);
        }

        Assert.Empty(rounds.Warnings);
        Assert.True(known > most, $"only {known} lists in {most} rounds");
    }

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static void Mutate(Random random, string path, string other)
    {
        var size = (int)new FileInfo(path).Length;
        var offset = random.Next(size);
        var length = 1 + random.Next(Math.Min(size - offset, 100_000));
        switch (random.Next(15))
        {
            case 0 or 1:
                Write(path, offset, Bytes(random, length));
                break;
            case 2:
                Write(path, size, Bytes(random, length));
                break;
            case 3:
                Resize(path, Math.Max(1 << 20, offset));
                break;
            case 4:
                Resize(path, Math.Min(size + length, 6 << 20));
                break;
            case 5:
                Allocate("--punch-hole", path, offset, length);
                break;
            case 6:
                Allocate("--zero-range", path, offset, length);
                break;
            case 7:
                Allocate("--keep-size", path, size, length);
                break;
            case 8 when size > 2 << 20:
                Allocate("--collapse-range", path, offset / 4096 * 4096, 8192);
                break;
            case 9 when size < 6 << 20:
                Allocate("--insert-range", path, offset / 4096 * 4096, 8192);
                break;
            case 10:
                using (var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open))
                using (var view = map.CreateViewAccessor(0, size))
                    view.WriteArray(offset, Bytes(random, length), 0, length);
                break;
            case 11:
                Run("dd", "if=/dev/urandom", $"of={path}", "bs=4096", $"seek={offset / 4096}", "count=3", "oflag=direct", "conv=notrunc", "status=none");
                break;
            case 12:
                File.WriteAllBytes(path + ".new", Bytes(random, Math.Max(size, 1 << 20)));
                File.Move(path + ".new", path, overwrite: true);
                break;
            case 13:
                // The next file of the same size may get the same inode number.
                File.Delete(path);
                File.WriteAllBytes(path, Bytes(random, Math.Max(size, 1 << 20)));
                break;
            case 14 when path != other:
                File.Delete(path);
                Run("cp", "--reflink=always", other, path);
                break;
        }
    }

    private static void Write(string path, long offset, byte[] bytes)
    {
        using var file = File.OpenWrite(path);
        file.Position = offset;
        file.Write(bytes);
    }

    private static void Resize(string path, long size)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(size);
    }

    private static void Allocate(string how, string path, int offset, int length)
        => _ = TreeComparison.Run("fallocate", how, "--offset", offset.ToString(CultureInfo.InvariantCulture), "--length", length.ToString(CultureInfo.InvariantCulture), path);

    private static void Run(string program, params string[] arguments)
    {
        var (code, output) = TreeComparison.Run(program, arguments);
        Assert.True(code == 0, output);
    }
}
