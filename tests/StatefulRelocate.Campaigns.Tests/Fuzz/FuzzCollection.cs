namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>Alone, because what the whole process allocates is watched.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class FuzzCollection;
