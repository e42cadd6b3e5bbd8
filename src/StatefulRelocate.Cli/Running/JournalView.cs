using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running;

/// <summary>One relocation as its journal tells it, folded as far as it goes. Reads; never decides.</summary>
internal sealed class JournalView
{
    private readonly Lock _gate = new();
    private readonly RelocationJournal _journal;
    private readonly List<SagaEvent> _events = [];
    private SagaState _state;
    private long _sequence;

    public JournalView(RelocationJournal journal, JournaledRelocation relocation)
    {
        (_journal, Relocation) = (journal, relocation);
        _state = SagaMachine.Start(relocation.Plan);
        Refresh();
    }

    public JournaledRelocation Relocation { get; }

    public SagaState State => Volatile.Read(ref _state);

    /// <summary>All events so far.</summary>
    public IReadOnlyList<SagaEvent> Events
    {
        get
        {
            lock (_gate)
                return [.. _events];
        }
    }

    /// <summary>Whether it is over, or waits for a person to look at it.</summary>
    public bool IsSettled => State is { Outcome: not null } or { Attention: not null };

    /// <summary>Folds what was appended since.</summary>
    public JournalView Refresh()
    {
        lock (_gate)
        {
            foreach (var journaled in _journal.Read(Relocation.Id, _sequence))
            {
                _events.Add(journaled.Event);
                Volatile.Write(ref _state, SagaMachine.Evolve(_state, journaled.Event));
                _sequence = journaled.Sequence;
            }
        }

        return this;
    }

    /// <summary>In two or three words.</summary>
    public static string Describe(SagaState state) => state switch
    {
        { Outcome: { } outcome } => outcome.ToString().ToLowerInvariant(),
        { Attention: not null } => "needs attention",
        { Compensating: true } => "undoing",
        { AwaitsApproval: true } => "waits for approval",
        { IsPaused: true } => "paused",
        { InBlackout: true, PointOfNoReturn: false } => "cutting over",
        { PointOfNoReturn: true } => "finishing",
        { StartedAt: null } => "waiting",
        _ => "copying",
    };
}
