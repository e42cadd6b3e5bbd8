using System.Reflection;
using System.Text.RegularExpressions;

namespace StatefulRelocate.Architecture.Tests;

public sealed partial class HouseRuleTests
{
    private const int MostLines = 400;

    [Fact]
    public void No_file_is_longer_than_400_lines()
        => Assert.Empty(Sources.Files.Where(file => file.Lines.Count > MostLines).Select(file => $"{file.RelativePath}: {file.Lines.Count} lines"));

    [Fact]
    public void No_folder_or_type_is_a_dumping_ground()
    {
        string[] folders = ["Base", "Common", "Helpers", "Interfaces", "Manager", "Managers", "Misc", "Models", "Shared", "Utilities", "Utils"];
        var badFolders = Sources.Files.Where(file => file.RelativePath.Split('/').SkipLast(1).Any(folders.Contains)).Select(file => file.RelativePath);
        var badFiles = Sources.Files.Where(file => DumpingGround().IsMatch(Path.GetFileNameWithoutExtension(file.FullPath))).Select(file => file.RelativePath);
        Assert.Empty(badFolders.Concat(badFiles));
    }

    [Fact]
    public void The_product_asks_a_time_provider_and_never_chance_or_a_sleeping_thread()
        => Assert.Empty(Sources.Files.Where(file => file.IsProduct)
            .SelectMany(file => file.Places("DateTime.Now", "DateTime.UtcNow", "DateTimeOffset.Now", "DateTimeOffset.UtcNow", "Random.Shared", "new Random(")));

    [Fact]
    public void Every_suppression_has_its_reason_on_the_same_line()
    {
        var bare = from file in Sources.Files
                   where !file.IsIn("StatefulRelocate.Architecture.Tests")
                   from place in file.Lines.Select((line, index) => (Line: line, Number: index + 1))
                   where (place.Line.Contains("#pragma warning disable", StringComparison.Ordinal) && !place.Line.Contains("//", StringComparison.Ordinal))
                       || (place.Line.Contains("SuppressMessage(", StringComparison.Ordinal) && !place.Line.Contains("Justification", StringComparison.Ordinal))
                   where !file.RelativePath.StartsWith("tests/StatefulRelocate.Architecture.Tests/", StringComparison.Ordinal)
                   select $"{file.RelativePath}:{place.Number}: {place.Line.Trim()}";
        Assert.Empty(bare);
    }

    [Fact]
    public void Nothing_is_left_to_be_done_later()
        => Assert.Empty(Sources.Files.Where(file => file.IsProduct).SelectMany(file => file.Places("NotImplementedException", "NotSupportedException(\"not yet")));

    [Fact]
    public void A_cancellation_token_is_the_last_parameter()
    {
        var wrong = from type in PublicTypes()
                    from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                    let parameters = method.GetParameters()
                    where parameters.SkipLast(1).Any(parameter => parameter.ParameterType == typeof(CancellationToken))
                    select $"{type.FullName}.{method.Name}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void What_ends_in_Async_returns_a_task_and_the_other_way_round()
    {
        var wrong = from type in PublicTypes()
                    from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                    where !method.IsSpecialName && method.GetBaseDefinition() == method
                    where method.Name.EndsWith("Async", StringComparison.Ordinal) != IsAwaited(method.ReturnType)
                    select $"{type.FullName}.{method.Name}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void No_public_state_is_static_and_changeable()
    {
        var wrong = from type in PublicTypes()
                    from field in type.GetFields(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
                    where !field.IsInitOnly && !field.IsLiteral
                    select $"{type.FullName}.{field.Name}";
        Assert.Empty(wrong);
    }

    private static bool IsAwaited(Type type)
    {
        var name = type.IsGenericType ? type.GetGenericTypeDefinition().Name : type.Name;
        return name is "Task" or "Task`1" or "ValueTask" or "ValueTask`1" or "IAsyncEnumerable`1";
    }

    private static IEnumerable<Type> PublicTypes()
        => Directory.EnumerateFiles(AppContext.BaseDirectory, "StatefulRelocate.*.dll").Order(StringComparer.Ordinal)
            .Where(path => !path.EndsWith(".Tests.dll", StringComparison.Ordinal))
            .SelectMany(path => Assembly.LoadFrom(path).GetExportedTypes())
            .Where(type => !typeof(Delegate).IsAssignableFrom(type) && !typeof(System.Text.Json.Serialization.JsonSerializerContext).IsAssignableFrom(type));

    [GeneratedRegex("(Utils?|Utilit(y|ies)|Helpers?|Managers?|Common|Misc)$")]
    private static partial Regex DumpingGround();
}
