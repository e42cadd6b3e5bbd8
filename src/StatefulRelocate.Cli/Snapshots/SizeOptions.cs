using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>--memory</c>: the budget of all buffers together.</summary>
internal sealed class MemoryOption
{
    private const long Default = 256L << 20, Least = 64L << 20;
    private readonly Option<string?> _memory = new("--memory") { Description = "What all buffers may take together, at least 64MiB. Default: 256MiB.", HelpName = "SIZE" };

    public void AddTo(Command command) => command.Options.Add(_memory);

    public long Bytes(ParseResult parse)
    {
        if (parse.GetValue(_memory) is not { } text)
            return Default;
        var bytes = ByteSize.Parse(text, "--memory");
        return bytes >= Least ? bytes : throw new RelocateException($"--memory {text}: at least 64MiB are needed");
    }
}

/// <summary><c>--compression none|zstd:N</c>.</summary>
internal sealed class CompressionOption
{
    private const int Default = 1;
    private readonly Option<string?> _compression = new("--compression") { Description = "none, or zstd:1 (fast) to zstd:19 (small). Default: zstd:1.", HelpName = "HOW" };

    public CompressionOption() => _compression.CompletionSources.Add("none", "zstd:1", "zstd:3", "zstd:9", "zstd:19");

    public void AddTo(Command command) => command.Options.Add(_compression);

    /// <summary>The level of zstd; 0 is none.</summary>
    public int Level(ParseResult parse)
    {
        var text = parse.GetValue(_compression);
        return text switch
        {
            null or "zstd" => Default,
            "none" => 0,
            _ when text.StartsWith("zstd:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var level) && level is >= 1 and <= 19 => level,
            _ => throw new RelocateException($"--compression {text}: use none, or zstd:1 to zstd:19"),
        };
    }
}

/// <summary>Sizes as people write them: <c>100MiB</c>, <c>2G</c> (which is 2 GiB), <c>1500kB</c>, <c>4096</c>.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] s_units =
    [
        ("kib", 1L << 10), ("mib", 1L << 20), ("gib", 1L << 30), ("tib", 1L << 40), ("k", 1L << 10), ("m", 1L << 20), ("g", 1L << 30), ("t", 1L << 40),
        ("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000), ("b", 1), ("", 1),
    ];

    public static long Parse(string text, string option)
    {
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        var unit = s_units.Where(u => string.Equals(u.Unit, text[digits..].Trim(), StringComparison.OrdinalIgnoreCase)).Select(u => u.Bytes).FirstOrDefault();
        return unit > 0 && decimal.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1L << 50 && number * unit <= 1L << 60
            ? (long)(number * unit) : throw new RelocateException($"{option} '{text}': not a size; write it as 100MiB or 2GiB");
    }
}
