using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>A state of machine and world together, and how it was reached.</summary>
internal sealed class Node(Scenario scenario, SagaState saga, World world, int faultsLeft, int signalsLeft, Node? parent, string action)
{
    public Scenario Scenario { get; } = scenario;

    public SagaState Saga { get; private set; } = saga;

    public World World { get; } = world;

    public int FaultsLeft { get; } = faultsLeft;

    public int SignalsLeft { get; } = signalsLeft;

    /// <summary>Whether nobody and nothing disturbed the path that led here.</summary>
    public bool Undisturbed => FaultsLeft == Scenario.Faults && SignalsLeft == Scenario.Signals;

    /// <summary>What was committed since the state before.</summary>
    public List<SagaEvent> Events { get; } = [];

    /// <summary>An event that the engine commits, with all that the machine decides on it.</summary>
    public void Happened(SagaEvent happened)
    {
        Fold(happened);
        Decided();
    }

    public void Decided()
    {
        while (Scenario.Machine.Decide(Saga) is { Length: > 0 } commands)
            foreach (var command in commands)
            {
                Fold(SagaMachine.Record(Saga, command, DateTimeOffset.UnixEpoch));
                Carry(command);
            }
    }

    public Node Next(string label, int faults = 0, int signals = 0) =>
        new(Scenario, Saga, World.Clone(), FaultsLeft - faults, SignalsLeft - signals, this, label);

    public string Path()
    {
        var actions = new List<string>();
        for (var node = this; node is not null; node = node.Before)
            actions.Add(node.Action);
        actions.Reverse();
        return string.Join("\n  ", actions);
    }

    public Node? Before { get; } = parent;

    private string Action { get; } = action;

    private void Fold(SagaEvent happened)
    {
        Events.Add(happened);
        Saga = Scenario.Machine.Evolve(Saga, happened);
    }

    private void Carry(SagaCommand command)
    {
        if (command is RunStep run)
            World.Attempts.Add(Dispatch(run.Request));
        else if (command is CancelStep cancel)
            for (var i = 0; i < World.Attempts.Count; i++)
                if (World.Attempts[i] is { Ghost: false } attempt && attempt.Sequence == cancel.Sequence)
                    World.Attempts[i] = attempt with { Cancelled = true };
    }

    private static Attempt Dispatch(ActivityRequest request) => new(
        request.Step, request.Kind, request.Cluster == request.Spec.Source, Round(request), request.Direction, request.Sequence, Fused: !request.Fused.IsEmpty);

    /// <summary>Verify looks at the final round, whose number the world knows by the snapshot.</summary>
    private static int Round(ActivityRequest request) =>
        request.Kind == Plans.StepKind.Verify
            ? 1 + request.Captures.Count(capture => capture.Step.StartsWith("snapshot-", StringComparison.Ordinal))
            : request.Round;
}
