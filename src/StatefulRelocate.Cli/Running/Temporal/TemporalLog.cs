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
    private string? _run;
    private DateTimeOffset _queriedAt;
    private DateTimeOffset _describedAt;

    public RelocationPlan Plan => plan;

    public string? Notice { get; private set; }

    public string? Gone => _description?.Standing == RunStanding.Broken
        ? $"{plan.RelocationId}: its run ended on the Temporal server (terminated, timed out or failed) before the relocation did; 'relocate resume {plan.RelocationId}' takes over"
        : null;

    /// <summary>An outage of any length is waited for; the notice tells of it.</summary>
    public async Task<LoggedEvents> ReadAsync(int after, CancellationToken cancellationToken)
    {
        if (Now - _queriedAt < BetweenQueries)
            return new LoggedEvents([]);
        var (events, anew) = (new List<SagaEvent>(), false);
        try
        {
            await DescribeAsync(cancellationToken);
            while (true)
            {
                var page = await relocations.ReadEventsAsync(plan.RelocationId, after + events.Count, cancellationToken);
                if (_run is { } known && page.Run != known && !page.EarlierRuns.Contains(known))
                {
                    // A run that was reset, or that took over: its events are its own from the first on.
                    events.Clear();
                    (_run, after, anew) = (page.Run, 0, true);
                    continue;
                }

                _run = page.Run;
                events.AddRange(page.Events);
                if (page.Events.IsEmpty || after + events.Count >= page.Total)
                    break;
            }
        }
        catch (UnansweredException error)
        {
            Notice = error.Message;
        }

        _queriedAt = Now;
        return new LoggedEvents(events, anew);
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
        var injected = events.OfType<StepFailed>().Where(static each => each.Failure.Injected).ToLookup(static each => each.Step);
        return [.. faults.Select(fault =>
        {
            var struck = injected.FirstOrDefault(each => IsMeant(fault, each.Key));
            return new JournaledFault(fault, struck?.Key, struck?.Count() ?? 0, KilledPid: null, ResumedPid: null);
        })];
    }

    /// <summary>A fault names a kind, a step or a round; one of a kind that is fused with others strikes the step that holds it.</summary>
    private bool IsMeant(Fault fault, string step) => step == fault.Step || step.StartsWith(fault.Step + "-", StringComparison.Ordinal)
        || plan.Steps.Any(planned => planned.Id == step && (planned.Kind == fault.Step || planned.Fused.Contains(fault.Step)));

    public async Task<IReadOnlyList<string>> DescribeEngineAsync(CancellationToken cancellationToken)
    {
        await DescribeAsync(cancellationToken);
        if (_description is not { } described)
            return [Notice ?? $"Temporal server {relocations.Address} has not answered yet"];
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
