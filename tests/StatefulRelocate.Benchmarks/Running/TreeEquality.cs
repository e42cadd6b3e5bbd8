namespace StatefulRelocate.Benchmarks.Running;

/// <summary>Whether a restored directory holds what the source holds: names and contents. A fast wrong answer is no result.</summary>
internal static class TreeEquality
{
    public static void Require(string source, string restored, string engine)
    {
        var names = Names(source);
        if (!names.SequenceEqual(Names(restored)))
            throw new BenchmarkException($"{engine} restored other names than the source has");
        var (left, right) = (new byte[1 << 18], new byte[1 << 18]);
        foreach (var name in names)
        {
            using var a = File.OpenHandle(Path.Combine(source, name));
            using var b = File.OpenHandle(Path.Combine(restored, name));
            for (long offset = 0; ; offset += left.Length)
            {
                var (l, r) = (ReadFully(a, left, offset), ReadFully(b, right, offset));
                if (!left.AsSpan(0, l).SequenceEqual(right.AsSpan(0, r)))
                    throw new BenchmarkException($"{engine} restored {name} with other content near byte {offset}");
                if (l < left.Length)
                    break;
            }
        }
    }

    // What begins so at the top of a volume is the engine's own: copies by reflink, which belong to no snapshot.
    private static List<string> Names(string directory)
        => [.. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(directory, path))
            .Where(path => !path.StartsWith(".relocate", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static int ReadFully(Microsoft.Win32.SafeHandles.SafeFileHandle handle, byte[] buffer, long offset)
    {
        var filled = 0;
        while (filled < buffer.Length && RandomAccess.Read(handle, buffer.AsSpan(filled), offset + filled) is > 0 and var count)
            filled += count;
        return filled;
    }
}
