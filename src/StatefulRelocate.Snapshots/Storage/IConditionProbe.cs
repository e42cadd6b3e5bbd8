namespace StatefulRelocate.Snapshots.Storage;

/// <summary>
/// A store whose server may be unable to put under a condition. Then the conditions are kept by other means, and all who use the repository
/// must use the same: so the server is asked once, when the repository is made, and its <c>config</c> remembers.
/// </summary>
public interface IConditionProbe
{
    /// <summary>Asks the server by puts of its own, which leave nothing.</summary>
    Task<ConditionKeeping> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>Tells what the repository's config remembers; from now on it is that.</summary>
    void Remember(ConditionKeeping keeping);
}

/// <summary>Who keeps the conditions of puts.</summary>
public enum ConditionKeeping
{
    /// <summary>The store itself.</summary>
    Store,

    /// <summary>The writers, by claims: each puts an object of its own beside the name and writes only while no other's is there.</summary>
    Claims,
}
