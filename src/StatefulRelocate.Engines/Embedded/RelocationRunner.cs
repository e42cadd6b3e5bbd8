using System.Threading.Channels;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Engines;

/// <summary>
/// Carries out one relocation. Results, timers and the decisions that follow from them are one commit, on condition that nobody wrote
/// in between; what was decided is carried out after it.
/// </summary>
internal sealed class RelocationRunner
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly EngineContext _engine;
    private readonly string _id;
    private readonly FaultInjector _faults;
    private readonly Action _changed;
    private readonly Channel<SagaEvent?> _inbox = Channel.CreateUnbounded<SagaEvent?>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<(string Step, StepDirection Direction, long Sequence), StepExecution> _executions = [];
    private SagaState _state;
    private long _sequence;

    /// <param name="engine">What the relocations share.</param>
    /// <param name="relocation">The relocation.</param>
    /// <param name="changed">Called after each change of <see cref="State"/>.</param>
    public RelocationRunner(EngineContext engine, JournaledRelocation relocation, Action changed)
    {
        (_engine, _id, _changed) = (engine, relocation.Id, changed);
        _faults = new FaultInjector(engine.Journal, relocation.Id);
        _state = SagaMachine.Start(relocation.Plan);
    }

    /// <summary>All that is committed and folded.</summary>
    public SagaState State => Volatile.Read(ref _state);

    /// <summary>Somebody wrote to the journal.</summary>
    public void Wake() => _inbox.Writer.TryWrite(null);

    /// <summary>Runs to the end of the relocation.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        // Off the caller's thread: the journal blocks for the length of an fsync.
        await Task.Yield();
        // Whatever ends this run ends its attempts: nothing may be dispatched that nobody commits the result of. Not disposed: they still look at it.
        var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        try
        {
            await RunToEndAsync(ending.Token).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task RunToEndAsync(CancellationToken stopping)
    {
        Refresh();
        if (_sequence > 0)
            _engine.Journal.NoteResumed(_id, Environment.ProcessId);
        Attach(stopping);
        var facts = new List<SagaEvent>();
        while (true)
        {
            while (_inbox.Reader.TryRead(out var fact))
                if (fact is not null)
                    facts.Add(fact);
            Refresh();
            if (GateFault() is { } gate)
                facts.Add(gate);
            while (!Advance(facts, stopping))
                Refresh();
            facts.Clear();
            if (_state.Outcome is not null)
                break;
            await WaitAsync(stopping).ConfigureAwait(false);
        }

        _engine.Options.Progress?.Remove(_id);
    }

    /// <summary>Folds what others wrote.</summary>
    private void Refresh()
    {
        var state = _state;
        foreach (var journaled in _engine.Journal.Read(_id, _sequence))
        {
            state = SagaMachine.Evolve(state, journaled.Event);
            _sequence = journaled.Sequence;
        }

        Publish(state);
    }

    /// <summary>Commits facts and decisions on the state they were made on; false when somebody else wrote first.</summary>
    private bool Advance(List<SagaEvent> facts, CancellationToken stopping)
    {
        var state = _state;
        var events = new List<SagaEvent>();
        var commands = new List<SagaCommand>();
        var attempts = new List<JournaledAttempt>();
        void Fold(SagaEvent happened)
        {
            events.Add(happened);
            state = SagaMachine.Evolve(state, happened);
        }

        foreach (var fact in facts)
            Fold(fact with { At = Now(state) });
        foreach (var timer in state.Timers)
            if (!timer.Fired && timer.DueAt <= Now(state))
                Fold(new TimerFired(timer.Name) { At = Now(state) });
        while (true)
        {
            var decided = SagaMachine.Decide(state);
            if (decided.IsEmpty)
                break;
            var at = Now(state);
            var on = state;
            foreach (var command in decided)
            {
                Fold(SagaMachine.Record(on, command, at));
                commands.Add(command);
                if (command is RunStep run)
                    attempts.Add(new JournaledAttempt(run.Request.Sequence, 1, null));
            }
        }

        if (events.Count == 0)
            return true;
        if (!_engine.Journal.Append(_id, _sequence, events, attempts.ToArray()))
            return false;
        _sequence += events.Count;
        _engine.Options.Committed?.Invoke(events);
        Publish(state);
        foreach (var fact in facts)
            Ended(fact);
        foreach (var command in commands)
            CarryOut(command, stopping);
        return true;
    }

    private void CarryOut(SagaCommand command, CancellationToken stopping)
    {
        switch (command)
        {
            case RunStep run:
                Start(run.Request, [], fresh: true, stopping);
                break;
            case CancelStep cancel:
                if (_executions.TryGetValue((cancel.Step, cancel.Direction, cancel.Sequence), out var execution))
                    execution.Cancel();
                break;
            default:
                // Timers run by the state itself; the rest is a fact and no deed.
                break;
        }
    }

    private void Start(ActivityRequest request, IReadOnlyList<JournaledAttempt> earlier, bool fresh, CancellationToken stopping)
    {
        var planned = _state.Step(request.Step)!.Planned;
        var policy = request.Direction == StepDirection.Do ? planned.Retry : planned.UndoRetry;
        var execution = new StepExecution(_engine, request, policy, earlier, fresh, _faults, () => State.PointOfNoReturn, () => State.BlackoutStartedAt);
        _executions[(request.Step, request.Direction, request.Sequence)] = execution;
        _ = Task.Run(() => DeliverAsync(execution, stopping), CancellationToken.None);
    }

    private async Task DeliverAsync(StepExecution execution, CancellationToken stopping)
    {
        try
        {
            _inbox.Writer.TryWrite(await execution.RunAsync(stopping).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Its attempt is in the journal without an answer; the next engine goes on from there.
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // The journal cannot be written: nothing is known any more, and nothing may be carried out.
            _inbox.Writer.TryComplete(error);
        }
    }

    /// <summary>A new engine takes up what an older one had under way.</summary>
    private void Attach(CancellationToken stopping)
    {
        var inFlight = SagaMachine.InFlight(_state);
        if (inFlight.IsEmpty)
            return;
        var attempts = _engine.Journal.ReadAttempts(_id);
        foreach (var request in inFlight)
        {
            if (_state.Step(request.Step)!.Run(request.Direction).CancelRequested)
            {
                // Doing it once more to cancel it helps nobody; its undo, or the agent's guard, ends what may still run.
                var failure = new StepFailure { Code = "cancelled", Message = $"{request.Step} was cancelled when the engine ended; what it did is unknown", Retryable = false };
                _inbox.Writer.TryWrite(new StepLapsed(request.Step, request.Direction, request.Sequence, failure) { At = default });
                continue;
            }

            Start(request, [.. attempts.Where(attempt => attempt.StepSequence == request.Sequence)], fresh: false, stopping);
        }
    }

    private void Ended(SagaEvent fact)
    {
        var key = fact switch
        {
            StepCompleted completed => (completed.Step, completed.Direction, completed.Sequence),
            StepFailed failed => (failed.Step, failed.Direction, failed.Sequence),
            StepLapsed lapsed => (lapsed.Step, lapsed.Direction, lapsed.Sequence),
            _ => default,
        };
        if (key.Step is null || !_executions.Remove(key, out var execution))
            return;
        execution.Dispose();
        _engine.Options.Progress?.Forget(_id, key.Step);
    }

    /// <summary>A step without an agent is the machine's own; it fails, or crashes before, while it waits, and crashes after once it is passed.</summary>
    private StepFailed? GateFault()
    {
        foreach (var step in _state.Steps)
        {
            if (step.Cluster is not null || step.Do.Status is not (RunStatus.Running or RunStatus.Completed))
                continue;
            var failure = step.Do.Status == RunStatus.Running
                ? _faults.Strike(step.Kind, step.Id, FaultTime.Before, pastTheLine: false) ?? _faults.Strike(step.Kind, step.Id, FaultTime.After, pastTheLine: false, FaultAction.Fail)
                : _faults.Strike(step.Kind, step.Id, FaultTime.After, pastTheLine: false, FaultAction.Crash);
            if (failure is not null)
                return new StepFailed(step.Id, StepDirection.Do, step.Do.Sequence, failure) { At = default };
        }

        return null;
    }

    private async Task WaitAsync(CancellationToken stopping)
    {
        DateTimeOffset? due = null;
        foreach (var timer in _state.Timers)
            if (!timer.Fired && (due is null || timer.DueAt < due))
                due = timer.DueAt;
        var arrived = _inbox.Reader.WaitToReadAsync(stopping).AsTask();
        if (due is not { } at)
        {
            await arrived.ConfigureAwait(false);
            return;
        }

        var left = at - _engine.Time.GetUtcNow();
        if (left <= TimeSpan.Zero)
            return;
        // A system timer holds 49 days.
        if (left > LongestWait)
            left = LongestWait;
        try
        {
            await arrived.WaitAsync(left, _engine.Time, stopping).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!arrived.IsFaulted)
        {
            // The timer is due.
        }
    }

    /// <summary>Now, never before the last event: a clock that was set back must not turn durations negative.</summary>
    private DateTimeOffset Now(SagaState state)
    {
        var now = _engine.Time.GetUtcNow();
        return state.LastEventAt is { } last && last > now ? last : now;
    }

    private void Publish(SagaState state)
    {
        if (ReferenceEquals(state, _state))
            return;
        Volatile.Write(ref _state, state);
        _changed();
    }
}
