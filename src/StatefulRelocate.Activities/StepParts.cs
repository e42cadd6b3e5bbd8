using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Activities;

/// <summary>Times the parts of a step, for the report's account of the blackout.</summary>
internal sealed class StepParts(TimeProvider time)
{
    private readonly ImmutableArray<StepPart>.Builder _parts = ImmutableArray.CreateBuilder<StepPart>();

    public ImmutableArray<StepPart> ToImmutable() => _parts.ToImmutable();

    public async Task TimeAsync(string name, Func<Task> part)
    {
        var start = time.GetTimestamp();
        await part().ConfigureAwait(false);
        _parts.Add(new StepPart(name, time.GetElapsedTime(start)));
    }

    public async Task<T> TimeAsync<T>(string name, Func<Task<T>> part)
    {
        var start = time.GetTimestamp();
        var result = await part().ConfigureAwait(false);
        _parts.Add(new StepPart(name, time.GetElapsedTime(start)));
        return result;
    }

    public void Time(string name, Action part)
    {
        var start = time.GetTimestamp();
        part();
        _parts.Add(new StepPart(name, time.GetElapsedTime(start)));
    }
}
