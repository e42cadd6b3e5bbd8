using System.Text.RegularExpressions;

namespace StatefulRelocate.Architecture.Tests;

/// <summary>All that <c>relocate</c> links compiles natively; what cannot be proved is named in docs/native.md.</summary>
public sealed partial class NativeByDesignTests
{
    [Fact]
    public void Every_project_that_relocate_links_is_analyzed_for_native_compilation()
    {
        Assert.Contains("<IsAotCompatible>true</IsAotCompatible>", Sources.Read("src/Directory.Build.props"), StringComparison.Ordinal);
        Assert.Empty(LinkedBy("StatefulRelocate.Cli").Where(project => project.Property("IsAotCompatible") is not null).Select(project => project.Name));
    }

    [Fact]
    public void Nothing_that_relocate_links_hosts_a_Temporal_worker()
        => Assert.DoesNotContain("StatefulRelocate.Engines.Temporal", LinkedBy("StatefulRelocate.Cli").Select(project => project.Name));

    [Fact]
    public void No_warning_of_the_native_compiler_is_silenced_in_our_code()
        => Assert.Empty(Sources.Files.Where(file => file.IsProduct)
            .SelectMany(file => file.Places("UnconditionalSuppressMessage", "disable IL", "RequiresUnreferencedCode", "RequiresDynamicCode")));

    [Fact]
    public void Every_silenced_warning_of_a_package_is_explained()
    {
        var explained = Sources.Read("docs/native.md");
        var files = Sources.Projects.Select(project => project.RelativePath).Concat(["Directory.Build.props", "src/Directory.Build.props"]).Where(path => File.Exists(Path.Combine(Sources.Root, path)));
        var unexplained = from path in files
                          from Match match in WarningNumber().Matches(Sources.Read(path))
                          where !explained.Contains(match.Value, StringComparison.Ordinal)
                          select $"{path}: {match.Value} is not in docs/native.md";
        Assert.Empty(unexplained);
    }

    private static HashSet<Project> LinkedBy(string program)
    {
        var linked = new HashSet<Project>();
        var open = new Stack<string>([program]);
        while (open.TryPop(out var name))
        {
            var project = Sources.Projects.Single(each => each.Name == name);
            if (linked.Add(project))
                foreach (var reference in project.References)
                    open.Push(reference);
        }

        return linked;
    }

    [GeneratedRegex(@"\bIL\d{4}\b")]
    private static partial Regex WarningNumber();
}
