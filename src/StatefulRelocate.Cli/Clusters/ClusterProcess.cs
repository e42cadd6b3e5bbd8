using System.Globalization;
using System.Runtime.InteropServices;
using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Cli.Agents;
using StatefulRelocate.Cli.Processes;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Clusters;

/// <summary>The life of a local cluster's process, which is also its agent: started detached, found again, stopped.</summary>
internal static class ClusterProcess
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    /// <summary>Starts it in the background unless it is up, and waits until its agent answers.</summary>
    /// <returns>False when it was up already.</returns>
    public static async Task<bool> StartAsync(ClusterEntry cluster, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        if (await cluster.IsUpAsync(cancellationToken))
            return false;
        MakeStateDirectory(cluster);
        var process = BackgroundProcess.StartSelf(arguments, cluster.LogFile);
        await process.WaitUntilAsync(cluster.IsUpAsync, StartLimit, TimeProvider.System, cancellationToken);
        return true;
    }

    /// <summary>Stops it with its apps, and waits until its process is gone.</summary>
    /// <returns>False when it was not running.</returns>
    public static async Task<bool> StopAsync(ClusterEntry cluster, CancellationToken cancellationToken)
    {
        var record = ProcessRecord.Read(cluster.StateDirectory);
        if (record?.IsAlive() != true && !await cluster.IsUpAsync(cancellationToken))
            return false;
        await cluster.CallAsync(AgentCalls.ShutDown, default, cancellationToken);
        var started = TimeProvider.System.GetTimestamp();
        while (record?.IsAlive() == true)
        {
            if (TimeProvider.System.GetElapsedTime(started) > StopLimit)
                throw new RelocateException($"cluster '{cluster.Name}' (process {record.Pid}) does not end; see {cluster.LogFile}", ExitCode.OurError);
            await Task.Delay(10, cancellationToken);
        }

        return true;
    }

    /// <summary>Is the cluster and its agent, until it is told to stop. SIGTERM leaves the apps running: their keepers outlive this process.</summary>
    public static async Task<int> ServeAsync(ClusterEntry entry, Func<RelocateConfig> config, string stateDirectory, CancellationToken cancellationToken)
    {
        MakeStateDirectory(entry);
        using var alone = TakeLock(entry);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stopping.Cancel();
        });
        var shutDown = false;
        var cluster = new LocalCluster(new LocalClusterOptions
        {
            Name = entry.Name,
            Address = entry.Config.Address,
            StateDirectory = entry.StateDirectory,
            KeeperCommand = [.. BackgroundProcess.Self(), "keeper"],
        });
        await using (cluster)
        {
            using var journal = new EffectJournal(cluster);
            var environment = new AgentEnvironment(cluster, config, stateDirectory, TimeProvider.System);
            var guard = new BlackoutGuard(environment, journal);
            guard.HoldExpired(cluster.Apps);
            await MissedBreaks.LearnAsync(environment, stopping.Token);
            await cluster.StartAsync(stopping.Token);
            var calls = new AgentCalls(environment, cluster, () =>
            {
                shutDown = true;
                // After the answer is on its way.
                stopping.CancelAfter(TimeSpan.FromMilliseconds(20));
            });
            using (var server = Listen(entry, environment, journal, calls))
            {
                ProcessRecord.Write(entry.StateDirectory);
                Log($"cluster '{entry.Name}' is up on {entry.Config.Address}");
                // One without the other is no agent: a server without its guard would leave an app frozen, a guard alone is deaf.
                var (serving, guarding) = (server.RunAsync(stopping.Token), GuardAsync(guard, stopping.Token));
                await Task.WhenAny(serving, guarding);
                await stopping.CancelAsync();
                await Task.WhenAll(serving, guarding);
            }

            if (shutDown)
                await cluster.ShutDownAsync(CancellationToken.None);
        }

        ProcessRecord.Remove(entry.StateDirectory);
        Log($"cluster '{entry.Name}' stopped{(shutDown ? "" : "; its apps go on")}");
        return ExitCode.Completed;
    }

    private static async Task GuardAsync(BlackoutGuard guard, CancellationToken cancellationToken)
    {
        try
        {
            await guard.RunAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The cluster stops.
        }
    }

    private static AgentServer Listen(ClusterEntry entry, AgentEnvironment environment, EffectJournal journal, AgentCalls calls)
    {
        try
        {
            return new AgentServer(entry.Socket, ActivityCatalog.Create(environment), journal, calls.ByName());
        }
        catch (IOException error)
        {
            throw new RelocateException($"cluster '{entry.Name}': its agent cannot listen: {error.Message}", inner: error);
        }
    }

    private static FileStream TakeLock(ClusterEntry entry)
    {
        try
        {
            return new FileStream(entry.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new RelocateException($"cluster '{entry.Name}' is already served by another process (lock {entry.LockFile})", inner: error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new RelocateException($"{entry.LockFile}: cannot be written: {error.Message}", inner: error);
        }
    }

    private static void MakeStateDirectory(ClusterEntry entry)
    {
        try
        {
            Directory.CreateDirectory(entry.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{entry.StateDirectory}: cannot make the directory of cluster '{entry.Name}': {error.Message}", inner: error);
        }
    }

    /// <summary>Writes a line with the time to standard output, which is the cluster's log.</summary>
    public static void Log(string line) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {line}"));
}
