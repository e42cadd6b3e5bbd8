namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>What each contender is asked to run, one phase after the other. The first two are those of <c>temporal-go-bench</c>.</summary>
/// <param name="Workflows">Workflows of the last phase.</param>
/// <param name="Steps">Steps of each, one after the other.</param>
/// <param name="AtOnce">How many of them run at once in the last phase.</param>
internal sealed record Load(int Workflows, int Steps, int AtOnce)
{
    public IReadOnlyList<Phase> Phases => [new(5, 1), new(20, 1), new(Workflows, AtOnce)];
}

/// <summary>Workflows that are run together.</summary>
/// <param name="Workflows">How many.</param>
/// <param name="AtOnce">How many at once.</param>
internal sealed record Phase(int Workflows, int AtOnce);
