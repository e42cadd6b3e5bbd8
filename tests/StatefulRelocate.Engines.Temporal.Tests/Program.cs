using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Workflows;
using Temporalio.Common;
using Temporalio.Worker;

namespace StatefulRelocate.Engines.Temporal.Tests;

/// <summary>Runs the tests, or replays a history as a process of its own: other hash seeds, other code layouts, nothing warm.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args) => args is ["replay", var path]
        ? await ReplayAsync(path)
        : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);

    /// <summary>The whole history, and what is left of it when it is cut off after each of its workflow tasks.</summary>
    private static async Task<int> ReplayAsync(string path)
    {
        var whole = WorkflowHistory.FromJson("relocation", await File.ReadAllTextAsync(path));
        var events = whole.Events.ToList();
        var id = events[0].WorkflowExecutionStartedEventAttributes.WorkflowId;
        var replayer = new WorkflowReplayer(new WorkflowReplayerOptions { DataConverter = RelocationPayloads.Converter() }.AddWorkflow<RelocationWorkflow>());
        for (var length = 3; length <= events.Count; length++)
        {
            // A worker is handed a history up to the start of a task, or whole.
            if (length < events.Count && events[length - 1].WorkflowTaskStartedEventAttributes is null)
                continue;
            var result = await replayer.ReplayWorkflowAsync(new WorkflowHistory(id, events[..length]), throwOnReplayFailure: false);
            if (result.ReplayFailure is { } failure)
            {
                await Console.Error.WriteLineAsync($"{path}, cut off after event {length} of {events.Count}: {failure.Message}");
                return 1;
            }
        }

        return 0;
    }
}
