using System.Collections.Immutable;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Cli.Demo;

/// <summary>The demo's journal, read beside the engine that writes it. It holds one relocation.</summary>
internal sealed class DemoJournal(DemoSandbox sandbox) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<SagaEvent> _events = [];
    private RelocationJournal? _journal;
    private RelocationPlan? _plan;

    public void Dispose() => _journal?.Dispose();

    /// <summary>The relocation's id, or null while its plan was not written.</summary>
    public string? FindId()
    {
        lock (_gate)
        {
            if (_plan is not null)
                return _plan.RelocationId;
            if (!RelocationJournal.Exists(sandbox.JournalFile))
                return null;
            _journal ??= RelocationJournal.Open(sandbox.JournalFile);
            _plan = _journal.List() is [var only, ..] ? only.Plan : null;
            return _plan?.RelocationId;
        }
    }

    /// <summary>The plan and all events so far, or null while there is no plan.</summary>
    public (RelocationPlan Plan, ImmutableArray<SagaEvent> Events)? Read()
    {
        lock (_gate)
        {
            if (FindId() is not { } id)
                return null;
            foreach (var entry in _journal!.Read(id, _events.Count))
                _events.Add(entry.Event);
            return (_plan!, [.. _events]);
        }
    }

    /// <summary>The blackout that was predicted last, or null.</summary>
    public TimeSpan? PredictedDowntime()
    {
        if (Read() is not { } read)
            return null;
        var state = SagaMachine.Start(read.Plan);
        foreach (var e in read.Events)
            state = SagaMachine.Evolve(state, e);
        return state.PredictedDowntime;
    }

    /// <summary>The faults that were asked for, and what became of them.</summary>
    public IReadOnlyList<JournaledFault> Faults()
    {
        lock (_gate)
            return FindId() is { } id ? _journal!.ReadFaults(id) : [];
    }

    /// <summary>The deaths of the engine.</summary>
    public ImmutableArray<CrashReport> Crashes() =>
    [
        .. Faults().Where(static fault => fault.Fault.Action == FaultAction.Crash && fault is { Step: not null, KilledPid: not null })
            .Select(static fault => new CrashReport(fault.Step!, fault.KilledPid!.Value, fault.ResumedPid)),
    ];
}
