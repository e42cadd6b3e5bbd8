using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines;

/// <summary>How the embedded engine works.</summary>
public sealed record EmbeddedEngineOptions
{
    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The most relocations at once; the others wait in the journal. Default: 4.</summary>
    public int MaximumConcurrentRelocations { get; init; } = 4;

    /// <summary>How often the journal is asked for what other processes wrote. Default: 4 ms.</summary>
    public TimeSpan JournalPoll { get; init; } = TimeSpan.FromMilliseconds(4);

    /// <summary>How long to wait before an agent that is not there is looked for again. Default: 20 ms.</summary>
    public TimeSpan ReconnectInterval { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The seed of the jitter in the waits between attempts (up to a fifth, either way). Default: 0.</summary>
    public int JitterSeed { get; init; }

    /// <summary>Where progress is shown, or null: nowhere. Default: null.</summary>
    public ProgressBoard? Progress { get; init; }

    /// <summary>Tests only: called after each commit, before anything of it is carried out.</summary>
    internal Action<IReadOnlyList<SagaEvent>>? Committed { get; init; }
}
