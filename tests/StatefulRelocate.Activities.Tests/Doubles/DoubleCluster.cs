using System.Collections.Immutable;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Activities.Tests.Doubles;

/// <summary>
/// A cluster without processes, with real directories: it remembers what a durable one would, dies where it is told to, and notes when an
/// app would run on both sides.
/// </summary>
internal sealed class DoubleCluster(string name, string address, string directory, CrashPoints crashes, DoubleWorld world) : ICluster
{
    private readonly Dictionary<string, AppDefinition> _apps = [];
    private readonly Dictionary<string, AppWriterState> _writers = [];
    private readonly Dictionary<string, AppRunState> _states = [];

    public string Name => name;

    public string Address => address;

    public IReadOnlyList<string> Apps => [.. _apps.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Reasons why the app is not silent, whatever it does.</summary>
    public ImmutableArray<string> Noise { get; set; } = [];

    /// <summary>The app does not get ready.</summary>
    public bool NeverReady { get; set; }

    /// <summary>What was called, in order; hooks as <c>hook PROGRAM</c>.</summary>
    public List<string> Calls { get; } = [];

    public AppRunState State(string app) => _states.GetValueOrDefault(app, AppRunState.Stopped);

    public string AppDirectory(string app) => Path.Combine(directory, "apps", app);

    public string VolumePath(string app, string volume) => Path.Combine(AppDirectory(app), "volumes", volume);

    public Task<ClusterApp?> FindAsync(string app, CancellationToken cancellationToken)
        => Task.FromResult(_apps.TryGetValue(app, out var definition) ? new ClusterApp(definition, State(app), []) : null);

    public Task InstallAsync(AppDefinition definition, CancellationToken cancellationToken) => Call("install", definition.Name, () =>
    {
        Directory.CreateDirectory(AppDirectory(definition.Name));
        _apps[definition.Name] = definition;
        Set(definition.Name, AppRunState.Stopped);
    });

    public Task RemoveAsync(string app, bool deleteVolumes, CancellationToken cancellationToken) => Call("remove", app, () =>
    {
        Assert.False(deleteVolumes, "activities delete volumes by their marks, never through the cluster");
        Assert.Equal(AppRunState.Stopped, State(app));
        _apps.Remove(app);
    });

    public AppWriterState ReadWriterState(string app) => _writers.GetValueOrDefault(app, new AppWriterState());

    public void WriteWriterState(string app, AppWriterState state)
    {
        crashes.Reach("before writer state on " + name);
        _writers[app] = state;
        crashes.Reach("after writer state on " + name);
    }

    public Task StartAsync(string app, CancellationToken cancellationToken) => Call("start", app, () =>
    {
        DemandMayRun(app);
        Set(app, AppRunState.Running);
    });

    public Task QuiesceAsync(string app, QuiesceMode mode, CancellationToken cancellationToken)
        => Call("quiesce", app, () => Set(app, mode is QuiesceMode.Freeze ? AppRunState.Frozen : AppRunState.Stopped));

    public Task UnquiesceAsync(string app, CancellationToken cancellationToken) => Call("unquiesce", app, () =>
    {
        DemandMayRun(app);
        Set(app, AppRunState.Running);
    });

    public Task KillAsync(string app, CancellationToken cancellationToken) => Call("kill", app, () => Set(app, AppRunState.Stopped));

    public Task<SilenceProof> ProveSilentAsync(string app, CancellationToken cancellationToken)
    {
        crashes.Reach("before proof on " + name);
        var reasons = State(app) is AppRunState.Running ? Noise.Add("process 42 (web) runs") : Noise;
        return Task.FromResult(new SilenceProof { Silent = reasons.IsEmpty, Reasons = reasons });
    }

    public Task<ImmutableArray<string>> FindSharedWritableMappingsAsync(string app, CancellationToken cancellationToken)
        => Task.FromResult(ImmutableArray<string>.Empty);

    public Task WaitReadyAsync(string app, CancellationToken cancellationToken)
        => NeverReady || State(app) is not AppRunState.Running
            ? throw new ClusterException("not-ready", $"{app} on {name} does not answer")
            : Task.CompletedTask;

    public async Task<string?> RunHookAsync(string app, AppHook hook, CancellationToken cancellationToken)
    {
        await Call("hook " + hook.Exec.Command[0], app, () => { });
        return null;
    }

    /// <summary>The machine was rebooted: nothing runs; what the durable copy allows is started.</summary>
    public void Reboot(string app)
    {
        var ran = State(app) is AppRunState.Running;
        Set(app, AppRunState.Stopped);
        if (ran && ReadWriterState(app).MayRun(name))
            Set(app, AppRunState.Running);
    }

    private Task Call(string what, string app, Action effect)
    {
        crashes.Reach($"before {what} on {name}");
        Calls.Add(what);
        effect();
        crashes.Reach($"after {what} on {name}");
        return Task.CompletedTask;
    }

    private void DemandMayRun(string app)
    {
        if (!ReadWriterState(app).MayRun(name))
            throw new ClusterException("fenced", $"{app} may not run on {name}", retryable: false);
    }

    private void Set(string app, AppRunState state)
    {
        _states[app] = state;
        world.Note(name, app, state is AppRunState.Running);
    }
}

/// <summary>Who runs where; two at once is a violation that no later state takes back.</summary>
internal sealed class DoubleWorld
{
    private readonly HashSet<(string Cluster, string App)> _running = [];

    public List<string> Violations { get; } = [];

    public void Note(string cluster, string app, bool runs)
    {
        lock (_running)
        {
            if (!runs)
                _running.Remove((cluster, app));
            else if (_running.Add((cluster, app)) && _running.Count(entry => entry.App == app) > 1)
                Violations.Add($"{app} runs on {string.Join(" and ", _running.Where(entry => entry.App == app).Select(entry => entry.Cluster))}");
        }
    }
}
