using System.Text.RegularExpressions;

namespace StatefulRelocate.Architecture.Tests;

/// <summary>All that <c>relocate</c> links compiles natively; what cannot be proved is named in docs/native.md.</summary>
public sealed partial class NativeByDesignTests
{
    [Fact]
    public void Every_project_of_the_product_is_analyzed_for_native_compilation()
    {
        Assert.Contains("<IsAotCompatible>true</IsAotCompatible>", Sources.Read("src/Directory.Build.props"), StringComparison.Ordinal);
        Assert.Empty(Sources.Projects.Where(project => project.IsProduct && project.Property("IsAotCompatible") is not null).Select(project => project.Name));
    }

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

    [GeneratedRegex(@"\bIL\d{4}\b")]
    private static partial Regex WarningNumber();
}
