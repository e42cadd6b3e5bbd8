using System.Globalization;
using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Campaigns.Tests.Trees;

namespace StatefulRelocate.Campaigns.Tests.HardCases;

/// <summary>Trees that file systems allow and programs forget.</summary>
public sealed class TreesTests : IDisposable
{
    private readonly Desk _desk = new();

    [Fact]
    public async Task Names_of_any_bytes_and_full_length_arrive()
    {
        foreach (var name in new[] { new string('n', 255), "\xFF\xFE\x80", "\xC3(", "line\nbreak", "tab\tquote\"'", "\\x00", " ", "-rf", "*", "~", new string('\xE9', 255), "con\u007F", "\x01" })
        {
            Posix.MakeDirectory(_desk.In(name));
            Posix.With(_desk.In(name) + "/" + name, Posix.WriteOnly | Posix.Create, file => Posix.WriteAll(file, "content"u8, 0));
            Posix.MakeSymbolicLink(name, _desk.In(name) + "/l");
        }

        await _desk.RoundTripAsync();

        // And the second round changes one of them.
        Posix.With(_desk.In("\xFF\xFE\x80") + "/\xFF\xFE\x80", Posix.WriteOnly, file => Posix.WriteAll(file, "CONTENT"u8, 0));
        Scratch.Remove(Path.Combine(_desk.Source, "-rf"));
        await _desk.RoundTripAsync();
    }

    [Fact]
    public async Task Paths_of_4095_bytes_arrive()
    {
        // Each directory is opened from the one above it, as no system call takes more than 4,095 bytes.
        var name = new string('d', 254);
        var directory = Posix.OpenAt(Posix.AtCurrent, Posix.Bytes(_desk.In("")), Posix.DirectoryOnly | Posix.CloseOnExec, 0);
        Posix.Must(directory, _desk.Source);
        var length = 0;
        while (length + 255 < 4095)
        {
            Posix.Must(Posix.MkDirAt(directory, Posix.Bytes(name), 0x1ED), "mkdirat");
            var below = Posix.OpenAt(directory, Posix.Bytes(name), Posix.DirectoryOnly | Posix.CloseOnExec, 0);
            Posix.Must(below, "openat");
            _ = Posix.Close(directory);
            (directory, length) = (below, length + 255);
        }

        var last = Posix.OpenAt(directory, Posix.Bytes(new string('f', 4095 - length)), Posix.WriteOnly | Posix.Create | Posix.CloseOnExec, 0x1A4);
        Posix.Must(last, "the last file");
        Posix.WriteAll(last, "deep"u8, 0);
        _ = Posix.Close(last);
        _ = Posix.Close(directory);
        await _desk.RoundTripAsync();
        await _desk.MustAsync("snapshot", "verify", "latest", _desk.Target);
    }

    [Fact]
    public async Task A_directory_of_very_many_entries_arrives()
    {
        for (var number = 0; number < Campaign.Times(20_000, 1_000_000); number++)
        {
            using var file = File.Create(Path.Combine(_desk.Source, string.Create(CultureInfo.InvariantCulture, $"entry-{number}")), 1);
            if (number % 100 == 0)
                file.Write("some"u8);
        }

        await _desk.RoundTripAsync();
        await File.WriteAllTextAsync(Path.Combine(_desk.Source, "entry-7"), "changed", TestContext.Current.CancellationToken);
        File.Delete(Path.Combine(_desk.Source, "entry-8"));
        await _desk.RoundTripAsync();
    }

    [Fact]
    public async Task A_sparse_file_of_a_tebibyte_arrives_sparse()
    {
        Posix.With(_desk.In("sparse"), Posix.ReadWrite | Posix.Create, file =>
        {
            Posix.Must(Posix.SetLength(file, 1L << 40), "ftruncate");
            foreach (var offset in new[] { 0, 5_000_000_000, (1L << 40) - 100 })
                Posix.WriteAll(file, "an island"u8, offset);
        });
        await _desk.RoundTripAsync();
        Posix.With(_desk.In("sparse"), Posix.WriteOnly, file => Posix.WriteAll(file, "another"u8, 700_000_000_000));
        Posix.With(_desk.In("sparse"), Posix.WriteOnly, file => Posix.Must(Posix.Allocate(file, Posix.PunchHole, 4_999_999_488, 1 << 20), "fallocate"));
        await _desk.RoundTripAsync();
    }

    [Fact]
    public async Task Every_kind_of_entry_and_attribute_arrives()
    {
        foreach (var directory in new[] { "a", "a/b", "c" })
            Posix.MakeDirectory(_desk.In(directory));
        foreach (var file in new[] { "a/one", "setuid", "acl", "future", "past", "before", "plain" })
            Posix.With(_desk.In(file), Posix.WriteOnly | Posix.Create, f => Posix.WriteAll(f, System.Text.Encoding.ASCII.GetBytes(file), 0));
        // Groups of hard links across directories, of files, of symbolic links and of FIFOs.
        Posix.MakeHardLink(_desk.In("a/one"), _desk.In("c/two"));
        Posix.MakeHardLink(_desk.In("a/one"), _desk.In("a/b/three"));
        Posix.MakeSymbolicLink("nowhere", _desk.In("c/link"));
        Posix.MakeHardLink(_desk.In("c/link"), _desk.In("a/link2"));
        Posix.MakeFifo(_desk.In("fifo"));
        Posix.MakeHardLink(_desk.In("fifo"), _desk.In("c/fifo2"));
        Posix.SetMode(_desk.In("fifo"), 0x1B6);
        Posix.SetMode(_desk.In("setuid"), 0xDED);
        Posix.SetMode(_desk.In("c"), 0x3FF);
        Posix.SetAttribute(_desk.In("plain"), "user.empty", []);
        Posix.SetAttribute(_desk.In("plain"), "user.bytes", [0, 1, 255, 10]);
        Posix.SetAttribute(_desk.In("a"), "user.on a directory", new byte[2000]);
        // Version 2; owner rwx, user 1000 r-x, group r-x, mask r-x, others ---: acl(5) in the kernel's form.
        byte[] acl = [2, 0, 0, 0, .. Acl(1, 7, -1), .. Acl(2, 5, 1000), .. Acl(4, 5, -1), .. Acl(0x10, 5, -1), .. Acl(0x20, 0, -1)];
        Posix.SetAttribute(_desk.In("acl"), "system.posix_acl_access", acl);
        Posix.SetAttribute(_desk.In("a/b"), "system.posix_acl_default", acl);
        Posix.SetModified(_desk.In("future"), 4_102_444_800, 999_999_999);
        Posix.SetModified(_desk.In("past"), -1, 1);
        Posix.SetModified(_desk.In("before"), -2_000_000_000, 0);
        Posix.SetModified(_desk.In("c/link"), 86_400, 123_456_789);
        Posix.SetModified(_desk.In("c"), 1, 0);
        await _desk.RoundTripAsync();
        await _desk.MustAsync("snapshot", "verify", "latest", _desk.Target);

        // Attributes and links go again, and the times of what holds them are put back.
        Posix.RemoveAttribute(_desk.In("plain"), "user.bytes");
        Posix.Delete(_desk.In("a/one"));
        Posix.SetMode(_desk.In("setuid"), 0x1ED);
        await _desk.RoundTripAsync();
    }

    [Fact]
    public async Task Sockets_are_left_out_with_a_warning_and_the_rest_is_saved()
    {
        Posix.MakeSocket(_desk.In("socket"));
        await File.WriteAllTextAsync(Path.Combine(_desk.Source, "file"), "content", TestContext.Current.CancellationToken);
        await _desk.MustAsync("repo", "init");
        var taken = await _desk.RunAsync("snapshot", "create", _desk.Source);
        Assert.Equal(3, taken.ExitCode);
        Assert.Contains("socket", taken.Errors, StringComparison.Ordinal);
        await _desk.MustAsync("snapshot", "restore", "latest", _desk.Target);
        Assert.Equal(["file"], Directory.GetFileSystemEntries(_desk.Target).Select(Path.GetFileName));
    }

    public void Dispose() => _desk.Dispose();

    private static byte[] Acl(ushort tag, ushort permissions, int id) => [.. BitConverter.GetBytes(tag), .. BitConverter.GetBytes(permissions), .. BitConverter.GetBytes(id)];
}
