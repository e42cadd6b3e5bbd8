using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>One line of an app's effect journal: a mark raised, an effect done, or a relocation closed.</summary>
internal sealed record EffectEntry
{
    public required string Relocation { get; init; }

    /// <summary>Null where the line closes the relocation.</summary>
    public string? Step { get; init; }

    public StepDirection Direction { get; init; }

    public long Sequence { get; init; }

    public int Attempt { get; init; }

    public long Epoch { get; init; }

    /// <summary>The run of the relocation that asked for it, or null where the engine has no runs.</summary>
    public string? Run { get; init; }

    /// <summary>Set once the effect is there.</summary>
    public StepOutput? Output { get; init; }

    public bool Closed { get; init; }
}
