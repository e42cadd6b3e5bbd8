namespace StatefulRelocate.Architecture.Tests;

/// <summary>Workflow code runs again from its history, so it may do nothing that comes out differently the second time.</summary>
public sealed class WorkflowTests
{
    [Fact]
    public void Workflow_code_uses_no_clock_no_chance_no_thread_and_no_io()
    {
        string[] forbidden =
        [
            "Task.Run", "Task.Delay", "Task.WhenAny", "Task.WhenAll", "Thread", "DateTime.UtcNow", "DateTimeOffset.UtcNow", "TimeProvider", "Guid.NewGuid", "Random", "ConfigureAwait",
            "File.", "Environment.", "Console.", "HashSet<", "Dictionary<string",
        ];
        var files = Sources.Files.Where(file => file.IsIn("StatefulRelocate.Engines.Temporal") && file.RelativePath.Contains("/Workflows/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(files);
        Assert.Empty(files.SelectMany(file => file.Places(forbidden)));
    }
}
