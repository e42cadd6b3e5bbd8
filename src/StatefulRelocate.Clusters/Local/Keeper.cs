namespace StatefulRelocate.Clusters.Local;

/// <summary>The small process beside each app: it starts the app's processes, keeps them running, and outlives the cluster's process.</summary>
public static class Keeper
{
    /// <summary>Keeps the app of a directory until it is told to end. Two keepers of one app are impossible.</summary>
    /// <param name="appDirectory">The app's directory on its cluster, <c>…/apps/APP</c>.</param>
    /// <param name="cancellationToken">Ends the keeper as SIGTERM does: the app's processes are stopped first.</param>
    /// <returns>The exit code of the process.</returns>
    public static Task<int> RunAsync(string appDirectory, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        throw new NotSupportedException(appDirectory);
    }
}
