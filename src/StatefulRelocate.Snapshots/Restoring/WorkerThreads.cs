using System.Runtime.ExceptionServices;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>
/// Some threads that work off what is handed to them. Threads of their own, because the work is system calls and arithmetic: on the
/// pool it would starve everybody else. What is handed in waits in a short queue, so that whoever hands it in is held back.
/// </summary>
internal sealed class WorkerThreads<TBuffers> : IDisposable
    where TBuffers : class
{
    private readonly Queue<Action<TBuffers>> _work = [], _urgent = [];
    private readonly object _lock = new();
    private readonly int _capacity;
    private readonly Thread[] _threads;
    private readonly CancellationTokenRegistration _cancelling;
    private ExceptionDispatchInfo? _error;
    private int _busy;
    private bool _ended;

    public WorkerThreads(string name, int count, Func<TBuffers> buffers, CancellationToken cancellationToken)
    {
        _capacity = count * 2;
        _threads = new Thread[count];
        for (var i = 0; i < count; i++)
        {
            _threads[i] = new Thread(() => Run(buffers)) { IsBackground = true, Name = name };
            _threads[i].Start();
        }

        _cancelling = cancellationToken.Register(() => Fail(new OperationCanceledException(cancellationToken)));
    }

    /// <summary>Hands work in; waits while too much is there already.</summary>
    /// <exception cref="Exception">What any of the work failed with.</exception>
    public void Add(Action<TBuffers> work)
    {
        lock (_lock)
        {
            while (_work.Count >= _capacity && _error is null)
                Monitor.Wait(_lock);
            _error?.Throw();
            _work.Enqueue(work);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Hands in what is to be done before everything else, and never waits: for use by the work itself.</summary>
    public void AddUrgent(Action<TBuffers> work)
    {
        lock (_lock)
        {
            _urgent.Enqueue(work);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>For who waits for what the work does, and would wait for ever after it failed.</summary>
    /// <exception cref="Exception">What any of the work failed with.</exception>
    public void ThrowIfFailed()
    {
        lock (_lock)
            _error?.Throw();
    }

    /// <summary>Waits until all that was handed in is done.</summary>
    /// <exception cref="Exception">What any of it failed with.</exception>
    public void Drain()
    {
        lock (_lock)
        {
            while ((_work.Count > 0 || _urgent.Count > 0 || _busy > 0) && _error is null)
                Monitor.Wait(_lock);
            _error?.Throw();
        }
    }

    /// <summary>Ends the threads; when it returns none of them does anything any more.</summary>
    public void Dispose()
    {
        _cancelling.Dispose();
        lock (_lock)
        {
            _ended = true;
            Monitor.PulseAll(_lock);
        }

        foreach (var thread in _threads)
            thread.Join();
    }

    private void Run(Func<TBuffers> make)
    {
        var buffers = make();
        while (Take() is { } work)
        {
            try
            {
                work(buffers);
            }
            catch (Exception error)
            {
                // Whatever it is, it ends the restore, and is thrown to whoever waits for it.
                Fail(error);
            }

            lock (_lock)
            {
                _busy--;
                Monitor.PulseAll(_lock);
            }
        }

        (buffers as IDisposable)?.Dispose();
    }

    private Action<TBuffers>? Take()
    {
        lock (_lock)
        {
            while (true)
            {
                if (_ended || _error is not null)
                    return null;
                if (_urgent.TryDequeue(out var work) || _work.TryDequeue(out work))
                {
                    _busy++;
                    Monitor.PulseAll(_lock);
                    return work;
                }

                Monitor.Wait(_lock);
            }
        }
    }

    private void Fail(Exception error)
    {
        lock (_lock)
        {
            _error ??= ExceptionDispatchInfo.Capture(error);
            Monitor.PulseAll(_lock);
        }
    }
}
