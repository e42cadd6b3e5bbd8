using System.Security.Cryptography;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.TestSupport.FileSystems;

namespace StatefulRelocate.Snapshots.Tests.ChangedRanges;

/// <summary>Rounds over one volume by the driver alone: what it lists, and what really changed since the last committed round.</summary>
internal sealed class ReflinkRounds : IDisposable
{
    private readonly LoopFileSystem _loop;
    private readonly Dictionary<string, (FileVersion Version, byte[] Content)> _last = [];

    public ReflinkRounds(string type, string options = "")
    {
        _loop = LoopFileSystem.Create(type, options: options);
        Volume = Directory.CreateDirectory(_loop.In("volume")).FullName;
        Journal = Directory.CreateDirectory(_loop.In("journal")).FullName;
    }

    public string Volume { get; }

    public string Journal { get; }

    public List<string> Warnings { get; } = [];

    public string In(string name) => Path.Combine(Volume, name);

    public IChangedRanges Open(bool audit = false, ChangedRangesMode mode = ChangedRangesMode.Reflink, bool final = false)
    {
        using var root = OpenDirectory.Open(Volume);
        return ChangedRangesDrivers.Open(mode, root, "data", Journal, audit, final, Warnings.Add);
    }

    /// <summary>One round over some files: each list must name every byte that changed. The lists, null where unknown.</summary>
    public Dictionary<string, IReadOnlyList<ByteRange>?> Round(string[] files, bool commit = true, bool audit = false, bool final = false)
    {
        var lists = new Dictionary<string, IReadOnlyList<ByteRange>?>();
        var versions = new Dictionary<string, (FileVersion, byte[])>();
        using var root = OpenDirectory.Open(Volume);
        using var ranges = Open(audit, final: final);
        foreach (var name in files)
        {
            using var file = root.OpenAt(name, Posix.ReadOnly);
            var known = _last.TryGetValue(name, out var last);
            using var ranged = ranges.Open(name, file, known ? last.Version : null);
            var content = new byte[ranged.Content.Facts().Size];
            Assert.Equal(content.Length, ranged.Content.Read(content, 0));
            lists[name] = ranged.ToRead;
            if (known && ranged.ToRead is { } listed)
                RequireListed(name, last.Content, content, listed);
            if (known && audit)
                Report(ranged, last.Content, content);
            versions[name] = (new FileVersion(content.Length, SHA256.HashData(content)), content);
            ranges.Finish(name, ranged, versions[name].Item1);
        }

        if (!commit)
            return lists;
        ranges.Commit();
        foreach (var (name, version) in versions)
            _last[name] = version;
        return lists;
    }

    public string[] Kept() => [.. Directory.EnumerateFiles(Path.Combine(Volume, ReservedDirectory.Name), "*", SearchOption.AllDirectories)];

    public void Forge(string name, byte[] content) => _last[name] = (_last[name].Version, content);

    public void Dispose() => _loop.Dispose();

    private static void RequireListed(string name, byte[] before, byte[] now, IReadOnlyList<ByteRange> listed)
    {
        for (var at = 0; at < now.Length; at += 512)
        {
            var length = Math.Min(512, now.Length - at);
            if (at + length <= before.Length && now.AsSpan(at, length).SequenceEqual(before.AsSpan(at, length)))
                continue;
            Assert.True(listed.Any(r => r.Offset <= at && r.End >= at + length), $"{name}: the bytes at {at} of {now.Length} (before: {before.Length}) changed and are not listed: {string.Join(' ', listed)}");
        }
    }

    private static void Report(RangedFile ranged, byte[] before, byte[] now)
    {
        for (var at = 0; at < now.Length; at += 8192)
        {
            var length = Math.Min(8192, now.Length - at);
            if (at + length > before.Length || !now.AsSpan(at, length).SequenceEqual(before.AsSpan(at, length)))
                ranged.Changed(at, length);
        }
    }
}
