using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Tests.Exploration;

/// <summary>What an exploration found.</summary>
internal sealed record Findings(int States, int Ends, string? Violation)
{
    public override string ToString() => $"{States} states, {Ends} of them ends{(Violation is null ? "" : $"; {Violation}")}";
}

/// <summary>Walks through every state that machine and world can reach together, and looks at the world in each.</summary>
internal sealed class Explorer(Scenario scenario)
{
    private readonly Moves _moves = new(new Effects(scenario.Trusting));
    private readonly HashSet<UInt128> _seen = [];
    private readonly Stack<Node> _open = new();
    private int _ends;

    public Findings Run()
    {
        var first = First();
        _seen.Add(StateKey.Of(first));
        _open.Push(first);
        while (_open.TryPop(out var node))
            if (Visit(node) is { } violation)
                return new Findings(_seen.Count, _ends, $"{violation}, on the path\n  {node.Path()}");
        return new Findings(_seen.Count, _ends, null);
    }

    /// <summary>The state before anything happened, with what the machine asks for first.</summary>
    public Node First()
    {
        var start = scenario.Machine.Start(Planner.Plan(scenario.Spec, "images-edge-a-edge-b-1", scenario.Fused));
        var first = new Node(scenario, start, new World(), scenario.Faults, scenario.Signals, null, "start");
        first.Decided();
        return first;
    }

    public IEnumerable<Node> Successors(Node node) => _moves.Of(node).Concat(Surroundings.Of(node));

    /// <summary>What is wrong with the world in this state, or null.</summary>
    public string? Wrong(Node node)
    {
        if (node.World.Broken() is { } broken)
            return broken;
        if (node.Saga.Outcome is { } outcome)
        {
            if (node.World.IllegalEnd(outcome) is { } illegal)
                return illegal;
            if (node.Undisturbed && outcome != scenario.Undisturbed)
                return $"nothing disturbed it, and it ended {outcome}";
        }
        return null;
    }

    private string? Visit(Node node)
    {
        if (Wrong(node) is { } wrong)
            return wrong;
        _ends += node.Saga.Outcome is null ? 0 : 1;
        var stuck = true;
        foreach (var next in Successors(node))
        {
            stuck = false;
            if (_seen.Add(StateKey.Of(next)))
                _open.Push(next);
        }
        return stuck && node.Saga.Outcome is null ? "it is stuck: nothing can happen any more" : null;
    }
}
