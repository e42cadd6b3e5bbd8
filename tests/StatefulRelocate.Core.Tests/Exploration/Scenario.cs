using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>What is explored: a plan, a machine, and how much may go wrong on one path.</summary>
internal sealed record Scenario
{
    /// <summary>Faults on one path; that <c>maxBlackout</c> passes counts as one.</summary>
    public int Faults { get; init; } = 2;

    /// <summary>Aborts and pauses on one path, each at most once. Approvals, and the resume after a pause or an attention, come beside them.</summary>
    public int Signals { get; init; } = 1;

    /// <summary>How it ends when nothing and nobody disturbs it.</summary>
    public RelocationOutcome Undisturbed { get; init; } = RelocationOutcome.Completed;

    public Machine Machine { get; init; } = new();

    public bool Trusting { get; init; }

    /// <summary>Whether the plan is that of an engine whose hops are slow.</summary>
    public bool Fused { get; init; }

    public RelocationSpec Spec { get; init; } = Specs.Example;

    /// <summary>The first round takes far longer than the budget, every later one far less: two rounds and no more.</summary>
    public Func<int, TimeSpan> RoundDuration { get; init; } = round => round == 1 ? TimeSpan.FromSeconds(10) : TimeSpan.FromMilliseconds(50);

    public StepOutput Output(string kind, int round) => kind switch
    {
        StepKind.Lease => new StepOutput { Epoch = 7 },
        StepKind.Snapshot or StepKind.Restore => new StepOutput
        {
            Figures = new RoundFigures
            {
                BytesChanged = 1000,
                BytesShipped = 1000 / round,
                Duration = RoundDuration(round),
                SincePrevious = round == 1 ? null : TimeSpan.FromSeconds(10),
            },
        },
        _ => new StepOutput(),
    };
}

/// <summary>Specs that tests start from.</summary>
internal static class Specs
{
    public static RelocationSpec Example { get; } = new()
    {
        App = "images",
        Source = "edge-a",
        Target = "edge-b",
        Repository = "main",
        Dns = new DnsSpec { Zone = "edge.test", Name = "images" },
    };

    public static RelocationSpec With(CutoverSpec cutover) => Example with { Cutover = cutover };
}
