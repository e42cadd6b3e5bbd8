namespace StatefulRelocate.Activities;

/// <summary>All activities that an agent hosts, one for each kind of step.</summary>
public static class ActivityCatalog
{
    /// <summary>Makes them for one agent.</summary>
    public static IReadOnlyList<IActivity> Create(IAgentEnvironment environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return [];
    }
}
