namespace StatefulRelocate.Architecture.Tests;

/// <summary>Each project may use those in the rows below its own, never beside or above (docs/architecture.md).</summary>
public sealed class LayerTests
{
    /// <summary>From the bottom up.</summary>
    private static readonly (string Row, string[] Projects)[] s_rows =
    [
        ("core", ["StatefulRelocate.Core"]),
        ("data path", ["StatefulRelocate.Snapshots"]),
        ("drivers", ["StatefulRelocate.Clusters", "StatefulRelocate.Configuration", "StatefulRelocate.Dns", "StatefulRelocate.ObjectStores"]),
        ("activities", ["StatefulRelocate.Activities"]),
        ("engine clients", ["StatefulRelocate.Engines.Temporal.Client"]),
        ("engines", ["StatefulRelocate.Engines", "StatefulRelocate.Engines.Temporal"]),
        ("programs", ["StatefulRelocate.Hosting", "StatefulRelocate.Programs"]),
        ("faces", ["StatefulRelocate.Agent", "StatefulRelocate.Cli", "StatefulRelocate.Server"]),
    ];

    [Fact]
    public void Every_project_of_the_product_stands_in_one_row()
    {
        var table = s_rows.SelectMany(row => row.Projects).Order(StringComparer.Ordinal);
        Assert.Equal(Sources.Projects.Where(project => project.IsProduct).Select(project => project.Name).Order(StringComparer.Ordinal), table);
    }

    [Fact]
    public void A_project_references_only_rows_below_its_own()
    {
        var wrong = from project in Sources.Projects
                    where project.IsProduct
                    from reference in project.References
                    where Row(reference) >= Row(project.Name)
                    select $"{project.Name} ({s_rows[Row(project.Name)].Row}) -> {reference} ({s_rows[Row(reference)].Row})";
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_samples_use_nothing_of_the_product()
        => Assert.Empty(Sources.Projects.Where(project => project.RelativePath.StartsWith("samples/", StringComparison.Ordinal)).SelectMany(project => project.References));

    [Fact]
    public void The_core_needs_no_package()
        => Assert.Empty(Sources.Projects.Single(project => project.Name == "StatefulRelocate.Core").Packages);

    [Fact]
    public void The_core_does_no_io_and_knows_no_clock_and_no_chance()
    {
        string[] effects =
        [
            "DateTime.Now", "DateTime.UtcNow", "DateTimeOffset.Now", "DateTimeOffset.UtcNow", "TimeProvider", "Stopwatch", "Environment.", "Guid.NewGuid", "Random",
            "System.IO", "File.", "Directory.", "System.Net", "Process.", "Console.", "Task.Run", "Task.Delay", "Thread", "async ",
        ];
        Assert.Empty(Sources.Files.Where(file => file.IsIn("StatefulRelocate.Core")).SelectMany(file => file.Places(effects)));
    }

    [Fact]
    public void The_solution_has_every_project()
    {
        var solution = Sources.Read("StatefulRelocate.sln").Replace('\\', '/');
        Assert.Empty(Sources.Projects.Where(project => !solution.Contains($"\"{project.RelativePath}\"", StringComparison.Ordinal)).Select(project => project.RelativePath));
    }

    private static int Row(string project) => Array.FindIndex(s_rows, row => row.Projects.Contains(project));
}
