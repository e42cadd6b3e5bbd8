using System.Collections.Concurrent;
using System.Collections.Immutable;
using StatefulRelocate.Clusters.Local.Hooks;
using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Clusters.Local.Probes;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Clusters.Local.Proofs;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Local;

/// <summary>
/// A cluster on this machine: an app is a set of processes with directories as volumes. This class writes what should be, durably, before it
/// asks the app's keeper to make it so.
/// </summary>
public sealed class LocalCluster : ICluster, IAsyncDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly LocalClusterOptions _options;
    private readonly ConcurrentDictionary<string, KeeperLink> _links = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _watches = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _end = new();
    private FileStream? _exclusive;
    private bool _shutDown;
    private bool _disposed;

    /// <summary>Makes one; nothing is touched before <see cref="StartAsync(CancellationToken)"/>.</summary>
    public LocalCluster(LocalClusterOptions options) => _options = options with { StateDirectory = Path.GetFullPath(options.StateDirectory) };

    /// <inheritdoc/>
    public string Name => _options.Name;

    /// <inheritdoc/>
    public string Address => _options.Address;

    /// <inheritdoc/>
    public IReadOnlyList<string> Apps
        => Directory.Exists(AppsDirectory)
            ? [.. Directory.EnumerateDirectories(AppsDirectory).Where(directory => File.Exists(new AppLayout(directory).Definition)).Select(directory => Path.GetFileName(directory)!).Order(StringComparer.Ordinal)]
            : [];

    private string AppsDirectory => Path.Combine(_options.StateDirectory, "apps");

    /// <summary>Finds the keepers that are still there, and restarts the apps whose desired state is running and that may run; no others.</summary>
    /// <exception cref="ClusterException">Another process has this cluster (<c>cluster-in-use</c>).</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_options.StateDirectory, OwnerOnly);
        Directory.CreateDirectory(AppsDirectory, OwnerOnly);
        try
        {
            _exclusive ??= new FileStream(Path.Combine(_options.StateDirectory, "cluster.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new ClusterException("cluster-in-use", $"cluster {Name} is run by another process already ({_options.StateDirectory})", retryable: false, error);
        }

        foreach (var app in Apps)
        {
            try
            {
                await RecoverAsync(app, cancellationToken).ConfigureAwait(false);
            }
            catch (ClusterException error)
            {
                // One app that cannot be brought back must not keep the others, and the agent, from coming up.
                Log(app, error.Message);
            }
        }
    }

    /// <summary>Stops every app and every keeper; what each app should do is kept for the next start.</summary>
    public async Task ShutDownAsync(CancellationToken cancellationToken)
    {
        _shutDown = true;
        await Task.WhenAll(Apps.Select(app => EndKeeperAsync(app, cancellationToken))).ConfigureAwait(false);
    }

    /// <summary>Leaves the keepers and their apps as they are.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_watches.Values).ConfigureAwait(false);
        if (_exclusive is not null)
            await _exclusive.DisposeAsync().ConfigureAwait(false);
        foreach (var link in _links.Values)
            link.Dispose();
        _end.Dispose();
    }

    /// <inheritdoc/>
    public string AppDirectory(string app) => Path.Combine(AppsDirectory, app);

    /// <inheritdoc/>
    public string VolumePath(string app, string volume) => Layout(app).Volume(volume);

    /// <inheritdoc/>
    public async Task<ClusterApp?> FindAsync(string app, CancellationToken cancellationToken)
    {
        if (DurableFile.Read(Layout(app).Definition, ClustersJson.Default.AppDefinition) is not { } definition)
            return null;
        if (Link(app).FindKeeper() is not null)
        {
            try
            {
                var status = await Link(app).AskAsync(new KeeperRequest { Verb = KeeperRequest.Status }, cancellationToken).ConfigureAwait(false);
                return new ClusterApp(definition, status.State, status.ProcessIds);
            }
            catch (ClusterException error) when (error.Code == "keeper-gone")
            {
                // It ended meanwhile; what it left is looked at directly.
            }
        }

        var proof = Prove(app);
        var left = Members(app);
        var state = left.Length == 0 ? AppRunState.Stopped : proof.Suspended.Length == left.Length ? AppRunState.Frozen : AppRunState.Running;
        return new ClusterApp(definition, state, left);
    }

    /// <inheritdoc/>
    public async Task InstallAsync(AppDefinition definition, CancellationToken cancellationToken)
    {
        var app = definition.Name;
        if (Members(app).Length > 0)
            throw new ClusterException("app-running", $"app {app} runs on {Name}; stop it before it is installed anew", retryable: false);
        var layout = Layout(app);
        InstallChecks.Check(definition, layout, _options);
        AppDirectories.Make(layout);
        AppDirectories.OpenWay(definition, layout, _options.StateDirectory);
        Want(app, DesiredState.Stopped);
        DurableFile.Write(layout.Definition, definition, ClustersJson.Default.AppDefinition);
        await EnsureKeeperAsync(app, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task RemoveAsync(string app, bool deleteVolumes, CancellationToken cancellationToken)
    {
        var layout = Layout(app);
        if (Members(app) is [var first, ..])
            throw new ClusterException("app-running", $"app {app} still runs on {Name} (process {first}); stop it first", retryable: false);
        if (!Directory.Exists(layout.Directory))
            return;

        // The definition goes first: without it neither a restart of the cluster nor a watch brings the keeper back.
        DurableFile.Delete(layout.Definition);
        await EndKeeperAsync(app, cancellationToken).ConfigureAwait(false);
        DurableFile.Delete(layout.Desired);
        Delete(layout.KeeperDirectory);
        Delete(layout.Logs);
        if (deleteVolumes)
            Delete(layout.Volumes);
        DurableFile.FlushDirectory(layout.Directory);
    }

    /// <inheritdoc/>
    public AppWriterState ReadWriterState(string app) => DurableFile.Read(Layout(app).WriterState, ClustersJson.Default.AppWriterState) ?? new AppWriterState();

    /// <inheritdoc/>
    public void WriteWriterState(string app, AppWriterState state)
    {
        var layout = Layout(app);
        AppDirectories.Make(layout);
        DurableFile.Write(layout.WriterState, state, ClustersJson.Default.AppWriterState);
    }

    /// <inheritdoc/>
    public async Task StartAsync(string app, CancellationToken cancellationToken)
    {
        var definition = Definition(app);
        RequireMayRun(app);
        AppDirectories.MakeVolumes(definition, Layout(app));
        Want(app, DesiredState.Running);
        await OrderAsync(app, KeeperRequest.Start, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task QuiesceAsync(string app, QuiesceMode mode, CancellationToken cancellationToken)
    {
        _ = Definition(app);
        Want(app, DesiredState.Quiesced, mode);
        await OrderAsync(app, mode == QuiesceMode.Freeze ? KeeperRequest.Freeze : KeeperRequest.Stop, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task UnquiesceAsync(string app, CancellationToken cancellationToken) => StartAsync(app, cancellationToken);

    /// <inheritdoc/>
    public async Task KillAsync(string app, CancellationToken cancellationToken)
    {
        if (!File.Exists(Layout(app).Definition))
            return;
        Want(app, DesiredState.Stopped);
        if (Link(app).FindKeeper() is not null || Members(app).Length > 0)
            await OrderAsync(app, KeeperRequest.Kill, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<SilenceProof> ProveSilentAsync(string app, CancellationToken cancellationToken) => Task.Run(() => Prove(app), cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> FindSharedWritableMappingsAsync(string app, CancellationToken cancellationToken)
        => Task.Run(() => SilenceProver.Mappings(Layout(app), Link(app).FindKeeper(), Link(app).FindCgroup()), cancellationToken);

    /// <inheritdoc/>
    public async Task WaitReadyAsync(string app, CancellationToken cancellationToken)
    {
        var probe = Definition(app).Readiness ?? new ReadinessProbe();
        async Task<string?> Note()
        {
            var status = await Link(app).AskAsync(new KeeperRequest { Verb = KeeperRequest.Status }, cancellationToken).ConfigureAwait(false);
            return status.Note ?? (status.State == AppRunState.Running ? null : $"the app is {status.State}");
        }

        if (probe is { Http: null, Tcp: null, Exec: null })
        {
            if (await Note().ConfigureAwait(false) is { } problem)
                throw new ClusterException("not-ready", $"app {app} on {Name} is not ready: {problem}");
            return;
        }

        await ReadinessWaiter.WaitAsync(
            app,
            Address,
            probe,
            async (exec, timeout) => HookRunner.Problem("the probe", await ExecuteAsync(app, exec, timeout, cancellationToken).ConfigureAwait(false), timeout, Layout(app).ExecLog),
            async () =>
            {
                try
                {
                    return await Note().ConfigureAwait(false);
                }
                catch (ClusterException error)
                {
                    return error.Message;
                }
            },
            _options.Time,
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<string?> RunHookAsync(string app, AppHook hook, CancellationToken cancellationToken)
    {
        _ = Definition(app);
        return HookRunner.RunAsync(app, Name, hook, Layout(app).ExecLog, (exec, timeout) => ExecuteAsync(app, exec, timeout, cancellationToken));
    }

    private static void Delete(string directory)
    {
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }

    private AppLayout Layout(string app) => new(AppDirectory(app));

    private KeeperLink Link(string app) => _links.GetOrAdd(app, static (name, cluster) => new KeeperLink(cluster.Layout(name), cluster._options), this);

    private AppDefinition Definition(string app) => DurableFile.Read(Layout(app).Definition, ClustersJson.Default.AppDefinition)
        ?? throw new ClusterException("app-unknown", $"cluster {Name} does not know an app '{app}'", retryable: false);

    private ImmutableArray<int> Members(string app)
        => [.. SilenceProver.Members(Layout(app), ProcessTable.Read(), Link(app).FindKeeper(), Link(app).FindCgroup()).Where(process => !process.IsGone).Select(process => process.Id.Number).Order()];

    private SilenceProof Prove(string app) => SilenceProver.Prove(Layout(app), Link(app).FindKeeper(), Link(app).FindCgroup());

    private void RequireMayRun(string app)
    {
        var state = ReadWriterState(app);
        if (!state.MayRun(Name))
            throw new ClusterException("may-not-run", $"app {app} may not run on {Name}: {(state.Fenced ? "a fence stands" : $"the writer is {state.Record?.Writer}")}", retryable: false);
    }

    private void Want(string app, DesiredState state, QuiesceMode? mode = null)
    {
        var desired = new DesiredApp(state, mode);
        if (DurableFile.Read(Layout(app).Desired, ClustersJson.Default.DesiredApp) != desired)
            DurableFile.Write(Layout(app).Desired, desired, ClustersJson.Default.DesiredApp);
    }

    private async Task OrderAsync(string app, string verb, CancellationToken cancellationToken)
    {
        var request = new KeeperRequest { Verb = verb };
        try
        {
            await Link(app).AskAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException error) when (error.Code == "keeper-gone")
        {
            // Asked first and looked for later: the usual case is inside a blackout. Every order may be given twice.
            await EnsureKeeperAsync(app, cancellationToken).ConfigureAwait(false);
            await Link(app).AskAsync(request, cancellationToken).ConfigureAwait(false);
        }

        Watch(app);
    }

    private async Task<KeeperReply> ExecuteAsync(string app, ExecCommand exec, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await EnsureKeeperAsync(app, cancellationToken).ConfigureAwait(false);
        return await Link(app).AskAsync(new KeeperRequest { Verb = KeeperRequest.Execute, Command = exec.Command, User = exec.User, Timeout = timeout }, cancellationToken).ConfigureAwait(false);
    }

    private async Task EnsureKeeperAsync(string app, CancellationToken cancellationToken)
    {
        await Link(app).EnsureAsync(cancellationToken).ConfigureAwait(false);
        Watch(app);
    }

    private void Watch(string app)
    {
        if (!_watches.TryGetValue(app, out var watch) || watch.IsCompleted)
            _watches[app] = WatchAsync(app);
    }

    /// <summary>Brings an app to what it should be, after a crash of this process or of the keeper.</summary>
    private async Task RecoverAsync(string app, CancellationToken cancellationToken)
    {
        var desired = DurableFile.Read(Layout(app).Desired, ClustersJson.Default.DesiredApp) ?? new DesiredApp(DesiredState.Stopped);
        if (desired.State == DesiredState.Running && ReadWriterState(app).MayRun(Name))
        {
            // Also where its keeper lives: the order may not have reached it. To a running app it is nothing new.
            AppDirectories.MakeVolumes(Definition(app), Layout(app));
            await OrderAsync(app, KeeperRequest.Start, cancellationToken).ConfigureAwait(false);
            return;
        }

        await EnsureKeeperAsync(app, cancellationToken).ConfigureAwait(false);
        if (desired.State == DesiredState.Running || Members(app).Length == 0)
            return;
        var unfinished = desired switch
        {
            { State: DesiredState.Stopped } => KeeperRequest.Kill,
            { Mode: QuiesceMode.Freeze } => KeeperRequest.Freeze,
            _ => KeeperRequest.Stop,
        };
        await OrderAsync(app, unfinished, cancellationToken).ConfigureAwait(false);
    }

    private async Task WatchAsync(string app)
    {
        var link = Link(app);
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await link.WatchAsync(_end.Token).ConfigureAwait(false);
                if (_shutDown || _end.IsCancellationRequested || !File.Exists(Layout(app).Definition))
                    return;
                if (link.FindKeeper() is null)
                {
                    Log(app, "its keeper is gone; another is started");
                    await RecoverAsync(app, _end.Token).ConfigureAwait(false);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), _options.Time, _end.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception error) when (error is ClusterException or IOException or UnauthorizedAccessException)
            {
                Log(app, error.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), _options.Time, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task EndKeeperAsync(string app, CancellationToken cancellationToken)
    {
        if (Link(app).FindKeeper() is not { } keeper)
            return;
        await Link(app).AskAsync(new KeeperRequest { Verb = KeeperRequest.ShutDown }, cancellationToken).ConfigureAwait(false);
        while (ProcessTable.IsAlive(new ProcessId(keeper.Pid, keeper.StartTime)))
            await Task.Delay(TimeSpan.FromMilliseconds(2), _options.Time, cancellationToken).ConfigureAwait(false);
    }

    private void Log(string app, string line) => new KeeperLog(Path.Combine(_options.StateDirectory, "cluster.log"), _options.Time).Write($"app {app}: {line}");
}
