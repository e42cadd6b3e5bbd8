using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Measures the parts of a round, one after another.</summary>
internal sealed class PartClock
{
    private readonly TimeProvider _time;
    private readonly List<StepPart> _parts = [];
    private readonly long _start;
    private long _last;
    private TimeSpan _waited;

    public PartClock(TimeProvider time)
    {
        _time = time;
        _start = _last = time.GetTimestamp();
    }

    public ImmutableArray<StepPart> Parts => [.. _parts];

    /// <summary>Since the start, waiting excluded.</summary>
    public TimeSpan Total => _time.GetElapsedTime(_start) - _waited;

    public void End(string part)
    {
        _parts.Add(new StepPart(part, _time.GetElapsedTime(_last)));
        _last = _time.GetTimestamp();
    }

    public void EndWaiting(string part)
    {
        End(part);
        _waited += _parts[^1].Duration;
    }
}
