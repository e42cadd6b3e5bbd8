using System.Text;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Snapshots.Filters;

/// <summary>
/// One line of a <c>.gitignore</c> (gitignore(5)): <c>*</c>, <c>?</c> and <c>[…]</c> stay within a name, <c>**</c> spans directories, a
/// slash at the beginning or in the middle anchors, one at the end asks for a directory, <c>!</c> takes back.
/// </summary>
internal sealed class PathPattern
{
    private const string AnyDepth = "**";
    private readonly string[] _segments;
    private readonly bool _directoryOnly;

    private PathPattern(string[] segments, bool directoryOnly, bool negated) => (_segments, _directoryOnly, Negated) = (segments, directoryOnly, negated);

    /// <summary>Whether what it matches is taken back in.</summary>
    public bool Negated { get; }

    /// <summary>The pattern of a line, or null where the line is empty or a comment.</summary>
    /// <exception cref="RelocateException">The line can match nothing.</exception>
    public static PathPattern? Parse(string line, string where)
    {
        // Names are bytes held as Latin-1, so patterns are, too.
        var text = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(WithoutTrailingSpaces(line.TrimEnd('\r', '\n'))));
        if (text.Length == 0 || text[0] == '#')
            return null;
        var negated = text[0] == '!';
        if (negated)
            text = text[1..];
        var directoryOnly = text.EndsWith('/');
        text = text.TrimEnd('/');
        var anchored = text.Contains('/', StringComparison.Ordinal);
        text = text.TrimStart('/');
        if (text.Length == 0)
            throw new RelocateException($"{where}: the pattern '{line}' matches nothing");
        if (EndsInEscape(text))
            throw new RelocateException($"{where}: the pattern '{line}' ends in a backslash that escapes nothing");
        var segments = text.Split('/');
        if (segments.Contains(""))
            throw new RelocateException($"{where}: the pattern '{line}' has an empty part, so it matches nothing");
        segments = [.. segments.Select(AsGitReadsStars)];
        return new PathPattern(anchored ? segments : [AnyDepth, .. segments], directoryOnly, negated);
    }

    /// <summary>Whether the pattern speaks of that name.</summary>
    /// <param name="parts">The parts of the path, relative to the volume.</param>
    /// <param name="isDirectory">Whether it is a directory.</param>
    public bool Matches(ReadOnlySpan<string> parts, bool isDirectory) => (!_directoryOnly || isDirectory) && Matches(_segments, parts);

    /// <summary>By a table instead of by trying out, so that no pattern is slow: row after row, which prefixes of the path match so far.</summary>
    private static bool Matches(ReadOnlySpan<string> pattern, ReadOnlySpan<string> parts)
    {
        Span<bool> reached = parts.Length < 128 ? stackalloc bool[parts.Length + 1] : new bool[parts.Length + 1];
        reached[0] = true;
        for (var p = 0; p < pattern.Length; p++)
        {
            if (pattern[p] == AnyDepth)
            {
                // At the end it stands for what lies inside, so for one part at least.
                var inside = p == pattern.Length - 1;
                var before = false;
                for (var i = 0; i <= parts.Length; i++)
                {
                    var here = reached[i];
                    reached[i] = before || (here && !inside);
                    before |= here;
                }

                continue;
            }

            for (var i = parts.Length; i > 0; i--)
                reached[i] = reached[i - 1] && MatchesName(pattern[p], parts[i - 1]);
            reached[0] = false;
        }

        return reached[parts.Length];
    }

    /// <summary>One name against one part of a pattern; goes back to the last star only, so its time is the product of the lengths at most.</summary>
    private static bool MatchesName(string pattern, string name)
    {
        int p = 0, n = 0, starP = -1, starN = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (starP, starN) = (++p, n);
                continue;
            }

            if (p < pattern.Length && MatchOne(pattern, p, name, n) is { } next)
            {
                (p, n) = next;
                continue;
            }

            if (starP < 0)
                return false;
            (p, n) = (starP, ++starN);
        }

        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }

    private static (int Pattern, int Name)? MatchOne(string pattern, int p, string name, int n)
    {
        switch (pattern[p])
        {
            case '?':
                return (p + 1, n + CharacterLength(name, n));
            case '[' when Class(pattern, p, name[n]) is var (end, found) && end > 0:
                return found ? (end, n + 1) : null;
            case '\\' when p + 1 < pattern.Length:
                return pattern[p + 1] == name[n] ? (p + 2, n + 1) : null;
            default:
                return pattern[p] == name[n] ? (p + 1, n + 1) : null;
        }
    }

    /// <summary>Where a bracket expression ends, and whether it has the byte; 0 when it is not closed and so stands for itself.</summary>
    private static (int End, bool Found) Class(string pattern, int start, char value)
    {
        var p = start + 1;
        var inverted = p < pattern.Length && pattern[p] is '!' or '^';
        if (inverted)
            p++;
        var (found, first) = (false, true);
        for (; p < pattern.Length && (first || pattern[p] != ']'); first = false)
        {
            if (pattern[p] == '[' && p + 1 < pattern.Length && pattern[p + 1] == ':' && pattern.IndexOf(":]", p + 2, StringComparison.Ordinal) is var close and > 0)
            {
                found |= InNamedClass(pattern[(p + 2)..close], value);
                p = close + 2;
                continue;
            }

            var low = Literal(pattern, ref p);
            var high = low;
            if (p + 1 < pattern.Length && pattern[p] == '-' && pattern[p + 1] != ']')
            {
                p++;
                high = Literal(pattern, ref p);
            }

            found |= value >= low && value <= high;
        }

        return p < pattern.Length ? (p + 1, found != inverted) : (0, false);
    }

    private static char Literal(string pattern, ref int p)
    {
        if (pattern[p] == '\\' && p + 1 < pattern.Length)
            p++;
        return pattern[p++];
    }

    private static bool InNamedClass(string name, char value) => name switch
    {
        "alnum" => char.IsAsciiLetterOrDigit(value),
        "alpha" => char.IsAsciiLetter(value),
        "blank" => value is ' ' or '\t',
        "cntrl" => value < 0x20 || value == 0x7F,
        "digit" => char.IsAsciiDigit(value),
        "graph" => value is > ' ' and < '\x7F',
        "lower" => char.IsAsciiLetterLower(value),
        "print" => value is >= ' ' and < '\x7F',
        "punct" => value is > ' ' and < '\x7F' && !char.IsAsciiLetterOrDigit(value),
        "space" => value is ' ' or (>= '\t' and <= '\r'),
        "upper" => char.IsAsciiLetterUpper(value),
        "xdigit" => char.IsAsciiHexDigit(value),
        _ => false,
    };

    /// <summary>A question mark stands for a character, not for one of its bytes.</summary>
    private static int CharacterLength(string name, int at)
    {
        var length = name[at] switch { >= '\xF0' => 4, >= '\xE0' => 3, >= '\xC0' => 2, _ => 1 };
        for (var i = 1; i < length; i++)
        {
            if (at + i >= name.Length || name[at + i] is < '\x80' or > '\xBF')
                return 1;
        }

        return length;
    }

    /// <summary>Where stars fill a whole part, git takes three and more for two.</summary>
    private static string AsGitReadsStars(string segment) => segment.Length > AnyDepth.Length && segment.All(c => c == '*') ? AnyDepth : segment;

    private static string WithoutTrailingSpaces(string line)
    {
        var end = line.Length;
        while (end > 0 && line[end - 1] == ' ' && !(end > 1 && EndsInEscape(line[..(end - 1)])))
            end--;
        return line[..end];
    }

    private static bool EndsInEscape(string text)
    {
        var backslashes = 0;
        while (backslashes < text.Length && text[^(backslashes + 1)] == '\\')
            backslashes++;
        return backslashes % 2 == 1;
    }
}
