using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Clusters;

namespace StatefulRelocate.Activities.Leases;

/// <summary>The claim of a relocation on the source cluster itself, so that two repositories cannot hold two leases of one app.</summary>
internal sealed record LeaseClaim(string RelocationId, string Repository)
{
    public static LeaseClaim? Read(ICluster cluster, string app) => DurableFile.Read(PathOf(cluster, app), AgentFiles.Default.LeaseClaim);

    /// <summary>Puts the claim. A claim of the same relocation is ours; another's is an error.</summary>
    public static void Take(ICluster cluster, string app, LeaseClaim claim)
    {
        if (DurableFile.TryCreate(PathOf(cluster, app), claim, AgentFiles.Default.LeaseClaim))
            return;
        var standing = Read(cluster, app);
        if (standing is null)
            throw new ActivityException("lease-held", $"the claim on {app} at {cluster.Name} was changed at the same moment; try again");
        if (!string.Equals(standing.RelocationId, claim.RelocationId, StringComparison.Ordinal))
            throw Held(cluster, app, standing);
    }

    /// <summary>Removes the claim of a relocation; another's stays.</summary>
    public static void Remove(ICluster cluster, string app, string relocationId)
    {
        if (string.Equals(Read(cluster, app)?.RelocationId, relocationId, StringComparison.Ordinal))
            Break(cluster, app);
    }

    /// <summary>Removes the claim, whoever's it is: an operator's word.</summary>
    public static void Break(ICluster cluster, string app) => DurableFile.Delete(PathOf(cluster, app));

    public static ActivityException Held(ICluster cluster, string app, LeaseClaim standing) => new(
        "lease-held",
        $"relocation {standing.RelocationId} holds {app} on {cluster.Name} (repository {standing.Repository}); wait until it ended, or resume or abort it",
        retryable: false);

    private static string PathOf(ICluster cluster, string app) => Path.Combine(cluster.AppDirectory(app), "lease-claim.json");
}
