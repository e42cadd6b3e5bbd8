using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace StatefulRelocate.Campaigns.Tests.Trees;

/// <summary>
/// All that a snapshot must bring back of a tree, read by <c>find</c> and plain system calls; nothing of the product is used. One line for
/// each name: path, type, mode, owner, time, size, link text, group of hard links, attributes, hash of the content.
/// </summary>
internal sealed class TreeImage
{
    private const int Page = 4096;
    private readonly SortedDictionary<string, string> _lines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Size, long Allocated)> _files = new(StringComparer.Ordinal);

    private TreeImage(string root) => Root = root;

    public string Root { get; }

    public int Count => _lines.Count;

    public static TreeImage Of(string root, bool attributes = true)
    {
        var image = new TreeImage(root);
        var fields = List(root);
        var descriptor = Posix.OpenAt(Posix.AtCurrent, Posix.Bytes(Posix.Latin(root)), Posix.DirectoryOnly | Posix.CloseOnExec, 0);
        Posix.Must(descriptor, root);
        try
        {
            var firstNames = new Dictionary<string, string>(StringComparer.Ordinal);
            const int width = 9;
            var rows = Enumerable.Range(0, fields.Length / width).Select(i => fields.AsSpan(i * width, width).ToArray()).OrderBy(row => row[0], StringComparer.Ordinal);
            foreach (var row in rows)
                image.Add(descriptor, row, firstNames, attributes);
        }
        finally
        {
            _ = Posix.Close(descriptor);
        }

        return image;
    }

    /// <summary>Fails with the first differences.</summary>
    public void RequireSameAs(TreeImage actual, string when)
    {
        var differences = new List<string>();
        foreach (var path in _lines.Keys.Union(actual._lines.Keys).Order(StringComparer.Ordinal))
        {
            var (left, right) = (_lines.GetValueOrDefault(path), actual._lines.GetValueOrDefault(path));
            if (left != right)
                differences.Add($"{Shown(path)}\n  expected {left ?? "nothing"}\n  found    {right ?? "nothing"}");
            else if (_files.TryGetValue(path, out var file) && file.Allocated < file.Size / 2 && actual._files[path].Allocated > file.Allocated + (256 << 10))
                differences.Add($"{Shown(path)}\n  expected {file.Allocated} bytes allocated of {file.Size}\n  found    {actual._files[path].Allocated}");
        }

        Assert.True(differences.Count == 0, $"{when}: {differences.Count} differences between {Root} and {actual.Root}\n{string.Join('\n', differences.Take(10))}");
    }

    private void Add(int root, string[] row, Dictionary<string, string> firstNames, bool attributes)
    {
        var (path, type, mode, owner, time, size) = (row[0], row[1], row[2], row[3], row[4], row[5]);
        var (links, inode, linkText) = (row[6].Split(' ')[0], row[6].Split(' ')[1], row[7]);
        var line = new StringBuilder($"{type} {mode} {owner} {time}");
        if (type == "l")
            line.Append(CultureInfo.InvariantCulture, $" -> {Shown(linkText)}");
        if (type != "d" && links != "1")
            line.Append(CultureInfo.InvariantCulture, $" same file as {Shown(firstNames.TryGetValue(inode, out var first) ? first : firstNames[inode] = path)}");
        if (type == "f")
        {
            line.Append(CultureInfo.InvariantCulture, $" {size} bytes");
            _files[path] = (long.Parse(size, CultureInfo.InvariantCulture), 512 * long.Parse(row[8], CultureInfo.InvariantCulture));
        }

        if (type is "f" or "d" or "p")
            Read(root, path, type, line, attributes);
        _lines[path] = line.ToString();
    }

    private static void Read(int root, string path, string type, StringBuilder line, bool attributes)
    {
        var descriptor = Posix.OpenAt(root, Posix.Bytes(path.Length == 0 ? "." : path), (type == "f" ? Posix.ReadOnly : Posix.PathOnly) | Posix.NoFollow | Posix.CloseOnExec, 0);
        Posix.Must(descriptor, Shown(path));
        try
        {
            if (attributes)
                line.Append(Attributes(descriptor));
            if (type == "f")
                line.Append(CultureInfo.InvariantCulture, $" {ContentHash(descriptor)}");
        }
        finally
        {
            _ = Posix.Close(descriptor);
        }
    }

    private static string Attributes(int descriptor)
    {
        var file = Posix.Bytes($"/proc/self/fd/{descriptor}");
        var list = new byte[65536];
        var length = Posix.ListXAttr(file, list, (nuint)list.Length);
        if (length <= 0)
            return "";
        var text = new StringBuilder();
        foreach (var name in Encoding.Latin1.GetString(list, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            var value = new byte[65536];
            var size = Posix.GetXAttr(file, Posix.Bytes(name), value, (nuint)value.Length);
            text.Append(CultureInfo.InvariantCulture, $" {name}={(size < 0 ? "?" : Convert.ToHexString(value, 0, (int)size))}");
        }

        return text.ToString();
    }

    // Of the pages that are not zero, with their places: the same for every way to store the same content, and quick for a terabyte of nothing.
    private static string ContentHash(int descriptor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * Page];
        for (var data = Posix.Seek(descriptor, 0, Posix.SeekData); data >= 0;)
        {
            var hole = Posix.Seek(descriptor, data, Posix.SeekHole);
            for (var offset = data / Page * Page; offset < hole; offset += buffer.Length)
            {
                var count = (int)Posix.PRead(descriptor, buffer, (nuint)buffer.Length, offset);
                Posix.Must(count, "pread");
                for (var page = 0; page < count && offset + page < hole; page += Page)
                {
                    var content = buffer.AsSpan(page, Math.Min(Page, count - page));
                    if (!content.ContainsAnyExcept((byte)0))
                        continue;
                    hash.AppendData(BitConverter.GetBytes(offset + page));
                    hash.AppendData(content);
                }
            }

            data = Posix.Seek(descriptor, hole, Posix.SeekData);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private static string[] List(string root)
    {
        using var find = Process.Start(new ProcessStartInfo("find", [".", "-printf", "%P\\0%y\\0%m\\0%U:%G\\0%T@\\0%s\\0%n %i\\0%l\\0%b\\0"])
        {
            WorkingDirectory = root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            Environment = { ["LC_ALL"] = "C" },
        })!;
        var errors = find.StandardError.ReadToEndAsync();
        var output = find.StandardOutput.ReadToEnd();
        find.WaitForExit();
        Assert.True(find.ExitCode == 0, errors.Result);
        return output.Split('\0')[..^1];
    }

    private static string Shown(string latin) => string.Concat(latin.Select(c => c is < ' ' or >= '\x7F' ? $"\\x{(int)c:x2}" : c.ToString()));
}
