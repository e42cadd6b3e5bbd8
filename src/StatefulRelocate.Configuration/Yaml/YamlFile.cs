using System.Text;
using StatefulRelocate.Core.Errors;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace StatefulRelocate.Configuration.Yaml;

/// <summary>
/// Reads one YAML file into nodes that know their line and column. What a hostile or broken file could do is bounded before the
/// nodes are built: size, depth, number of nodes; anchors, aliases and tags are refused, so nothing expands.
/// </summary>
internal static class YamlFile
{
    public const string ApiVersion = "relocate/v1alpha1";

    private const int MaximumBytes = 1 << 20;
    private const int MaximumDepth = 16;
    private const int MaximumNodes = 20_000;

    /// <summary>Reads the only document of a file and checks <c>apiVersion</c> and <c>kind</c>.</summary>
    public static YamlFields Load(string path, string kind, params string[] fields)
    {
        var text = ReadText(path);
        try
        {
            CheckBounds(path, text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count == 0)
                throw new RelocateException($"{path}:1:1: the file is empty; it must begin with 'apiVersion: {ApiVersion}' and 'kind: {kind}'");

            var root = new YamlValue(path, "the file", stream.Documents[0].RootNode);
            CheckHeader(root, kind);
            return root.Fields(["apiVersion", "kind", .. fields]);
        }
        catch (YamlException error)
        {
            throw Syntax(path, text, error);
        }
    }

    private static void CheckHeader(YamlValue root, string kind)
    {
        // Before the unknown fields: in a file of another kind every field would be unknown.
        var header = root.FieldsOfAnyName();
        var version = header.Required("apiVersion");
        if (version.Text() != ApiVersion)
            throw version.Error($"apiVersion '{version.Text()}' is not known", $"write 'apiVersion: {ApiVersion}'");
        var found = header.Required("kind");
        if (found.Text() != kind)
            throw found.Error($"this file is of kind '{found.Text()}', but '{kind}' is needed here", $"name the right file, or write 'kind: {kind}'");
    }

    private static string ReadText(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
            var buffer = new byte[MaximumBytes + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > MaximumBytes)
                throw new RelocateException($"{path}: the file is larger than 1 MiB; is it the right one?");
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(buffer, 0, length);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RelocateException($"{path}: there is no such file; check the path", inner: error);
        }
        catch (DecoderFallbackException error)
        {
            throw new RelocateException($"{path}: the file is not UTF-8 text; is it the right one?", inner: error);
        }
        catch (UnauthorizedAccessException error)
        {
            var what = Directory.Exists(path) ? "is a directory; name a file" : "may not be read by you; change its permissions";
            throw new RelocateException($"{path}: {what}", inner: error);
        }
        catch (IOException error)
        {
            throw new RelocateException($"{path}: cannot be read: {error.Message.TrimEnd('.')}; check the path", inner: error);
        }
    }

    private static void CheckBounds(string path, string text)
    {
        var parser = new Parser(new StringReader(text));
        var (depth, nodes, documents) = (0, 0, 0);
        while (parser.MoveNext())
        {
            var current = parser.Current!;
            depth += current.NestingIncrease;
            if (current is DocumentStart && ++documents > 1)
                throw Refuse("a second document begins here", "one file holds one document; make it a file of its own");
            if (current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
                throw Refuse("anchors and aliases are not allowed", "write the value out where it is needed");
            if (current is NodeEvent { Tag.IsEmpty: false })
                throw Refuse("tags are not allowed", "remove what begins with '!', or put quotes around it");
            // The stream and the document count as two levels.
            if (depth > MaximumDepth + 2)
                throw Refuse($"nested deeper than {MaximumDepth} levels", "no file of this program needs that; is it the right one?");
            if (current is NodeEvent && ++nodes > MaximumNodes)
                throw Refuse($"more than {MaximumNodes} values", "no file of this program needs that; is it the right one?");

            RelocateException Refuse(string what, string todo)
                => new($"{path}:{current.Start.Line}:{current.Start.Column}: {what}; {todo}");
        }
    }

    private static RelocateException Syntax(string path, string text, YamlException error)
    {
        var what = error.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
        var todo = what.Contains("uplicate key", StringComparison.Ordinal)
            ? "remove one of the two"
            : "correct the YAML: check indentation, quotes and brackets at and before this place";
        what = what.Length == 0 ? "not valid YAML" : char.ToLowerInvariant(what[0]) + what[1..];
        var (line, column) = (error.Start.Line, error.Start.Column);
        // A tab in the indentation is reported with the start of all that is around it.
        if (what.Contains(" tab ", StringComparison.Ordinal) && FindIndentingTab(text) is { } tab)
            (line, column, todo) = (tab.Line, tab.Column, "indent with spaces");
        return new RelocateException($"{path}:{line}:{column}: {what}; {todo}", inner: error);
    }

    private static (int Line, int Column)? FindIndentingTab(string text)
    {
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (line.IndexOfAnyExcept(' ') is >= 0 and var column && line[column] == '\t')
                return (number, column + 1);
        }

        return null;
    }
}
