using System.Globalization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running.Embedded;

/// <summary>A relocation in the journal of the state directory.</summary>
internal sealed class JournalLog(JournalLocation location, RelocationJournal journal, JournaledRelocation relocation) : IRelocationLog
{
    public RelocationPlan Plan => relocation.Plan;

    public string? Notice => null;

    public string? Gone => null;

    public Task<LoggedEvents> ReadAsync(int after, CancellationToken cancellationToken) =>
        Task.FromResult(new LoggedEvents([.. journal.Read(relocation.Id, after).Select(static entry => entry.Event)]));

    public Task<IReadOnlyDictionary<string, ActivityProgress>> ReadProgressAsync(CancellationToken cancellationToken) =>
        Task.FromResult(ProgressBoard.Read(location.Directory, relocation.Id));

    public IReadOnlyList<JournaledFault> ReadFaults(IReadOnlyList<SagaEvent> events) => journal.ReadFaults(relocation.Id);

    public Task<IReadOnlyList<string>> DescribeEngineAsync(CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        if (relocation is { Ended: false, Halted: { } halted })
            lines.Add($"halted: {halted}");
        using var free = EngineLock.TryTake(location.Lock);
        if (!relocation.Ended)
            lines.Add(free is null
                ? $"the engine runs (process {EngineLock.LastHolder(location.Lock)?.ToString(CultureInfo.InvariantCulture) ?? "unknown"})"
                : "no engine runs; 'relocate resume' starts one");
        return Task.FromResult<IReadOnlyList<string>>(lines);
    }
}
