using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Clusters.Local;

/// <summary>The small process beside each app: it starts the app's processes, keeps them running, and outlives the cluster's process.</summary>
public static class Keeper
{
    /// <summary>Keeps the app of a directory until it is told to end. Two keepers of one app are impossible: the second ends at once.</summary>
    /// <param name="appDirectory">The app's directory on its cluster, <c>…/apps/APP</c>.</param>
    /// <param name="cancellationToken">Ends the keeper as SIGTERM does: the app's processes are stopped first.</param>
    /// <returns>The exit code of the process.</returns>
    /// <exception cref="RelocateException">The directory is not that of an app.</exception>
    public static async Task<int> RunAsync(string appDirectory, CancellationToken cancellationToken)
    {
        var layout = new AppLayout(Path.GetFullPath(appDirectory));
        var settings = DurableFile.Read(layout.KeeperSettings, ClustersJson.Default.KeeperSettings)
            ?? throw new RelocateException($"{layout.Directory}: is not the directory of an app on a local cluster; keepers are started by 'relocate cluster up'");
        using var exclusive = KeeperProcess.TryLock(layout);
        if (exclusive is null)
            return ExitCode.Completed;
        using var keeper = new KeeperProcess(layout, settings, TimeProvider.System);
        return await keeper.RunAsync(cancellationToken).ConfigureAwait(false);
    }
}
