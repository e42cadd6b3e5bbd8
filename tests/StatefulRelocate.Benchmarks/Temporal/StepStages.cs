using StatefulRelocate.Benchmarks.Reports;
using StatefulRelocate.TestSupport.Servers;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;
using Temporalio.Client;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>Where the time of a step goes, by the server's own times of its events; milliseconds, median and 95th percentile over all steps of a phase.</summary>
internal sealed record StepStages
{
    /// <summary>From the schedule of the activity until a worker was given it.</summary>
    public required Figure ToAgent { get; init; }

    /// <summary>From there until the server had its result.</summary>
    public required Figure Activity { get; init; }

    /// <summary>From there until a worker was given the workflow's task.</summary>
    public required Figure ToWorkflow { get; init; }

    /// <summary>From there until the server had what the workflow decided: the next step.</summary>
    public required Figure WorkflowTask { get; init; }

    /// <summary>Events in the history of a workflow.</summary>
    public required double Events { get; init; }

    /// <summary>Bytes of the history of a workflow.</summary>
    public required double Bytes { get; init; }

    /// <summary>Reads the histories of all workflows on the server, which ran the phases one after the other.</summary>
    /// <returns>One for each phase.</returns>
    public static async Task<IReadOnlyList<StepStages>> ReadAsync(TemporalServer server, IReadOnlyList<PhaseFigures> phases)
    {
        var client = await server.ConnectAsync();
        var workflows = await ListAsync(client, phases.Sum(static phase => phase.Workflows));
        var stages = new List<StepStages>();
        foreach (var phase in phases)
        {
            var histories = new List<IReadOnlyList<HistoryEvent>>();
            foreach (var workflow in workflows.Skip(phases.TakeWhile(each => each != phase).Sum(static each => each.Workflows)).Take(phase.Workflows))
                histories.Add([.. (await client.GetWorkflowHandle(workflow.Id).FetchHistoryAsync()).Events]);
            stages.Add(Of(histories));
        }

        return stages;
    }

    private static StepStages Of(List<IReadOnlyList<HistoryEvent>> histories)
    {
        var steps = histories.SelectMany(Steps).ToList();
        return new StepStages
        {
            ToAgent = Figure.Of(steps.Select(static step => step.Started - step.Scheduled)),
            Activity = Figure.Of(steps.Select(static step => step.Completed - step.Started)),
            ToWorkflow = Figure.Of(steps.Select(static step => step.TaskStarted - step.Completed)),
            WorkflowTask = Figure.Of(steps.Select(static step => step.TaskCompleted - step.TaskStarted)),
            Events = Statistics.Median(histories.Select(static history => (double)history.Count)),
            Bytes = Statistics.Median(histories.Select(static history => (double)history.Sum(static happened => happened.CalculateSize()))),
        };
    }

    private static IEnumerable<(DateTime Scheduled, DateTime Started, DateTime Completed, DateTime TaskStarted, DateTime TaskCompleted)> Steps(IReadOnlyList<HistoryEvent> history)
    {
        static DateTime TimeOf(HistoryEvent happened) => happened.EventTime.ToDateTime();
        foreach (var scheduled in history.Where(static each => each.EventType == EventType.ActivityTaskScheduled))
        {
            var started = history.Single(each => each.ActivityTaskStartedEventAttributes?.ScheduledEventId == scheduled.EventId);
            var completed = history.Single(each => each.ActivityTaskCompletedEventAttributes?.ScheduledEventId == scheduled.EventId);
            var taskStarted = history.First(each => each.EventType == EventType.WorkflowTaskStarted && each.EventId > completed.EventId);
            var taskCompleted = history.First(each => each.EventType == EventType.WorkflowTaskCompleted && each.EventId > taskStarted.EventId);
            yield return (TimeOf(scheduled), TimeOf(started), TimeOf(completed), TimeOf(taskStarted), TimeOf(taskCompleted));
        }
    }

    /// <summary>In the order of their start; the list follows what happens after a while.</summary>
    private static async Task<List<WorkflowExecution>> ListAsync(TemporalClient client, int expected)
    {
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(30);
        while (true)
        {
            var found = new List<WorkflowExecution>();
            await foreach (var workflow in client.ListWorkflowsAsync("ExecutionStatus = 'Completed'"))
                found.Add(workflow);
            if (found.Count == expected)
                return [.. found.OrderBy(static workflow => workflow.StartTime)];
            if (DateTime.UtcNow > deadline)
                throw new BenchmarkException($"the server lists {found.Count} completed workflows, and {expected} were run");
            await Task.Delay(100);
        }
    }
}

/// <summary>Milliseconds of many steps.</summary>
/// <param name="Median">The median.</param>
/// <param name="P95">The 95th percentile.</param>
/// <param name="Mean">The mean; the means of the stages add up to that of a step.</param>
internal sealed record Figure(double Median, double P95, double Mean)
{
    public static Figure Of(IEnumerable<TimeSpan> times)
    {
        var all = times.Select(static time => time.TotalMilliseconds).ToList();
        return new Figure(Statistics.Median(all), Statistics.Percentile(all, 95), all.Average());
    }
}
