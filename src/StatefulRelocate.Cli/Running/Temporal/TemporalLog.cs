using System.Globalization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;
using StatefulRelocate.Engines.Faults;
using StatefulRelocate.Engines.Temporal.Client.Relocations;

namespace StatefulRelocate.Cli.Running.Temporal;

/// <summary>A relocation on a Temporal server: its events by query, its progress from the heartbeats of its activities.</summary>
/// <param name="relocations">The server.</param>
/// <param name="plan">The plan.</param>
/// <param name="faults">Those that this program asked for.</param>
internal sealed class TemporalLog(TemporalRelocations relocations, RelocationPlan plan, IReadOnlyList<Fault> faults) : IRelocationLog
{
    /// <summary>Views ask many times a second, and a query costs the worker something.</summary>
    private static readonly TimeSpan BetweenQueries = TimeSpan.FromMilliseconds(150);

    private static readonly TimeSpan BetweenDescriptions = TimeSpan.FromMilliseconds(500);

    /// <summary>What waits for less is on its way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private RelocationDescription? _description;
    private DateTimeOffset _queriedAt;
    private DateTimeOffset _describedAt;

    public RelocationPlan Plan => plan;

    public string? Notice { get; private set; }

    public string? Gone => _description?.Standing == RunStanding.Broken
        ? $"{plan.RelocationId}: its run ended on the Temporal server (terminated, timed out or failed) before the relocation did; 'relocate resume {plan.RelocationId}' takes over"
        : null;

    /// <summary>An outage of any length is waited for; the notice tells of it.</summary>
    public async Task<IReadOnlyList<SagaEvent>> ReadAsync(int after, CancellationToken cancellationToken)
    {
        if (Now - _queriedAt < BetweenQueries)
            return [];
        var events = new List<SagaEvent>();
        try
        {
            await DescribeAsync(cancellationToken);
            while (await relocations.ReadEventsAsync(plan.RelocationId, after + events.Count, cancellationToken) is { Events.IsEmpty: false } page)
            {
                events.AddRange(page.Events);
                if (after + events.Count >= page.Total)
                    break;
            }
        }
        catch (UnansweredException error)
        {
            Notice = error.Message;
        }

        _queriedAt = Now;
        return events;
    }

    public async Task<IReadOnlyDictionary<string, ActivityProgress>> ReadProgressAsync(CancellationToken cancellationToken)
    {
        try
        {
            await DescribeAsync(cancellationToken);
        }
        catch (UnansweredException)
        {
            // Reading the events told already.
        }

        return (_description?.Pending ?? []).Where(static each => each.Progress is not null).GroupBy(static each => each.Step).ToDictionary(static each => each.Key, static each => each.First().Progress!);
    }

    public IReadOnlyList<JournaledFault> ReadFaults(IReadOnlyList<SagaEvent> events)
    {
        var injected = events.OfType<StepFailed>().Where(static each => each.Failure.Injected).ToList();
        return [.. faults.Select(fault => new JournaledFault(fault, injected.FirstOrDefault()?.Step, injected.Count, KilledPid: null, ResumedPid: null))];
    }

    public async Task<IReadOnlyList<string>> DescribeEngineAsync(CancellationToken cancellationToken)
    {
        await DescribeAsync(cancellationToken);
        var described = _description!;
        var lines = new List<string> { string.Create(CultureInfo.InvariantCulture, $"workflow {described.Id} on {relocations.Address}, run {described.RunId}, since {described.StartedAt:yyyy-MM-dd HH:mm:ss}") };
        lines.AddRange(described.Pending.Where(static each => each.Attempt > 1).Select(static each => $"{each.Activity}: attempt {each.Attempt}{(each.LastFailure is { } failure ? $"; the one before: {failure}" : "")}"));
        if ((Gone ?? Notice) is { } notice)
            lines.Add(notice);
        return lines;
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private async Task DescribeAsync(CancellationToken cancellationToken)
    {
        if (Now - _describedAt < BetweenDescriptions)
            return;
        try
        {
            _description = await relocations.DescribeAsync(plan.RelocationId, cancellationToken);
            Notice = await relocations.FindHindranceAsync(plan, _description, Patience, Now, cancellationToken);
        }
        finally
        {
            _describedAt = Now;
        }
    }
}
