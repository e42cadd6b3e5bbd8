using System.Xml.Linq;

namespace StatefulRelocate.Architecture.Tests;

/// <summary>The repository's own files, found from where the tests were built.</summary>
internal static class Sources
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<Project> Projects { get; } =
        [.. new[] { "src", "samples", "tests", "agents" }.SelectMany(folder => Find(folder, "*.csproj")).Select(path => new Project(path))];

    public static IReadOnlyList<SourceFile> Files { get; } =
        [.. new[] { "src", "samples", "tests", "agents" }.SelectMany(folder => Find(folder, "*.cs")).Select(path => new SourceFile(path))];

    public static string Relative(string path) => Path.GetRelativePath(Root, path);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static IEnumerable<string> Find(string folder, string pattern)
    {
        var path = Path.Combine(Root, folder);
        return Directory.Exists(path) ? Directory.EnumerateFiles(path, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [];
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "StatefulRelocate.sln")))
                return directory.FullName;
        }

        throw new InvalidOperationException($"no StatefulRelocate.sln above {AppContext.BaseDirectory}");
    }
}

/// <summary>A project file.</summary>
internal sealed class Project
{
    private readonly XDocument _document;

    public Project(string path)
    {
        FullPath = path;
        _document = XDocument.Load(path);
    }

    public string FullPath { get; }

    public string Name => Path.GetFileNameWithoutExtension(FullPath);

    public string RelativePath => Sources.Relative(FullPath);

    public bool IsProduct => RelativePath.StartsWith("src/", StringComparison.Ordinal) || RelativePath.StartsWith("agents/", StringComparison.Ordinal);

    public IEnumerable<string> References => Items("ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path));

    public IEnumerable<string> Packages => Items("PackageReference");

    public string? Property(string name) => _document.Descendants(name).LastOrDefault()?.Value;

    private IEnumerable<string> Items(string kind)
        => _document.Descendants(kind).Select(item => item.Attribute("Include")?.Value.Replace('\\', '/')).OfType<string>();
}

/// <summary>A source file.</summary>
internal sealed class SourceFile
{
    private readonly Lazy<string[]> _lines;

    public SourceFile(string path)
    {
        FullPath = path;
        _lines = new Lazy<string[]>(() => File.ReadAllLines(path));
    }

    public string FullPath { get; }

    public string RelativePath => Sources.Relative(FullPath);

    public IReadOnlyList<string> Lines => _lines.Value;

    public bool IsProduct => RelativePath.StartsWith("src/", StringComparison.Ordinal) || RelativePath.StartsWith("agents/", StringComparison.Ordinal);

    public bool IsIn(string project) => RelativePath.StartsWith($"src/{project}/", StringComparison.Ordinal);

    /// <summary>Places, as <c>file:line: text</c>, of lines that contain one of the words outside of comments.</summary>
    public IEnumerable<string> Places(params string[] words)
    {
        for (var i = 0; i < Lines.Count; i++)
        {
            var code = WithoutComment(Lines[i]);
            if (words.Any(word => code.Contains(word, StringComparison.Ordinal)))
                yield return $"{RelativePath}:{i + 1}: {Lines[i].Trim()}";
        }
    }

    private static string WithoutComment(string line)
    {
        var comment = line.IndexOf("//", StringComparison.Ordinal);
        // "https://" in a text is no comment.
        return comment < 0 || (comment > 0 && line[comment - 1] == ':') ? line : line[..comment];
    }
}
