using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>An entry of the new journal that is not known to its end yet.</summary>
internal sealed class Row
{
    /// <summary>The entry as the journal gets it; null until it is done.</summary>
    public TreeEntry? Entry { get; set; }

    /// <summary>What the journal before says under the same name.</summary>
    public TargetRow? Old { get; init; }
}

/// <summary>Puts rows that are done in any order back into path order. What waits for one that is not done is bounded.</summary>
internal sealed class RowSequencer
{
    private const int MaxWaiting = 32 * 1024;
    private readonly Queue<Row> _rows = [];
    private readonly object _lock = new();
    private readonly Action<Row> _emit;

    public RowSequencer(Action<Row> emit) => _emit = emit;

    /// <summary>Whether the next row has to wait.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
                return _rows.Count >= MaxWaiting;
        }
    }

    /// <summary>Waits a while for the first rows to be done.</summary>
    public void WaitForRoom(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_rows.Count >= MaxWaiting)
                Monitor.Wait(_lock, TimeSpan.FromMilliseconds(100));
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The next in path order.</summary>
    public Row Add(TreeEntry? done = null, TargetRow? old = null)
    {
        var row = new Row { Entry = done, Old = old };
        lock (_lock)
        {
            _rows.Enqueue(row);
            Emit();
        }

        return row;
    }

    public void Complete(Row row, TreeEntry entry)
    {
        lock (_lock)
        {
            row.Entry = entry;
            Emit();
        }
    }

    /// <summary>Demands that nothing waits any more: a journal without some of the rows must never stand.</summary>
    /// <exception cref="RelocateException">Some row was not done.</exception>
    public void End()
    {
        lock (_lock)
        {
            if (_rows.Count > 0)
                throw new RelocateException("something else changed the names that are restored; restore again when nothing does", ExitCode.OurError);
        }
    }

    private void Emit()
    {
        while (_rows.TryPeek(out var row) && row.Entry is not null)
        {
            _rows.Dequeue();
            _emit(row);
            Monitor.PulseAll(_lock);
        }
    }
}
