using System.Collections.Concurrent;

namespace StatefulRelocate.Activities.Volumes;

/// <summary>The restores at work in this agent: nothing is started on a volume that is being written.</summary>
internal sealed class RunningRestores
{
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public IDisposable Begin(string app)
    {
        _counts.AddOrUpdate(app, 1, static (_, count) => count + 1);
        return new End(this, app);
    }

    public bool Any(string app) => _counts.GetValueOrDefault(app) > 0;

    private sealed class End(RunningRestores owner, string app) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
                owner._counts.AddOrUpdate(app, 0, static (_, count) => count - 1);
        }
    }
}
