using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Cli.Running;

/// <summary>One relocation, folded as far as its log goes. Reads; never decides.</summary>
internal sealed class RelocationView : IDisposable
{
    private readonly SemaphoreSlim _reading = new(1);
    private readonly List<SagaEvent> _events = [];
    private SagaState _state;

    private RelocationView(IRelocationLog log) => (Log, _state) = (log, SagaMachine.Start(log.Plan));

    public IRelocationLog Log { get; }

    public string Id => Log.Plan.RelocationId;

    public SagaState State => Volatile.Read(ref _state);

    /// <summary>All events so far.</summary>
    public IReadOnlyList<SagaEvent> Events
    {
        get
        {
            lock (_events)
                return [.. _events];
        }
    }

    /// <summary>Whether it is over, or nothing moves before a person looks at it.</summary>
    public bool IsSettled => State.IsSettled;

    /// <summary>Throws where no more will come though it is not over.</summary>
    /// <exception cref="RelocateException">One line says why, and what to do.</exception>
    public void DemandAlive()
    {
        if (!IsSettled && Log.Gone is { } gone)
            throw new RelocateException(gone, ExitCode.NeedsAttention);
    }

    public static Task<RelocationView> OpenAsync(IRelocationLog log, CancellationToken cancellationToken) => new RelocationView(log).RefreshAsync(cancellationToken);

    public void Dispose() => _reading.Dispose();

    /// <summary>Folds what was added since.</summary>
    public async Task<RelocationView> RefreshAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            var added = await Log.ReadAsync(_events.Count, cancellationToken);
            if (added.Anew)
            {
                lock (_events)
                    _events.Clear();
                Volatile.Write(ref _state, SagaMachine.Start(Log.Plan));
            }

            foreach (var happened in added.Events)
            {
                lock (_events)
                    _events.Add(happened);
                Volatile.Write(ref _state, SagaMachine.Evolve(_state, happened));
            }
        }
        finally
        {
            _reading.Release();
        }

        return this;
    }

    /// <summary>What the steps in flight are at, by their ids.</summary>
    public async Task<IReadOnlyDictionary<string, ActivityProgress>> ReadProgressAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            return await Log.ReadProgressAsync(cancellationToken);
        }
        finally
        {
            _reading.Release();
        }
    }
}
