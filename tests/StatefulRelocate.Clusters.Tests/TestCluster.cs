using System.Diagnostics;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Tests;

/// <summary>A cluster in a directory of its own; leaves no process and no file behind.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    public const string App = "notes";
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FreezerKind _freezer;

    private TestCluster(string state, FreezerKind freezer)
    {
        (State, _freezer) = (state, freezer);
        Cluster = new LocalCluster(Options(state, freezer));
    }

    public static string Self { get; } = Path.Combine(AppContext.BaseDirectory, "StatefulRelocate.Clusters.Tests");

    public string State { get; }

    public LocalCluster Cluster { get; private set; }

    public string Volume => Cluster.VolumePath(App, "data");

    internal AppLayout Layout => new(Cluster.AppDirectory(App));

    public static LocalClusterOptions Options(string state, FreezerKind freezer) => new()
    {
        Name = "edge-a",
        Address = "127.0.0.1",
        StateDirectory = state,
        KeeperCommand = [Self, "keeper"],
        Freezer = freezer,
        RestartDelay = TimeSpan.FromMilliseconds(20),
        MaxLogBytes = 64 * 1024,
    };

    public static async Task<TestCluster> StartAsync(FreezerKind freezer = FreezerKind.Signals, string? name = null)
    {
        var state = Path.Combine(Path.GetTempPath(), "cluster-tests-" + Guid.NewGuid().ToString("n")[..8] + name);
        var test = new TestCluster(state, freezer);
        await test.Cluster.StartAsync(CancellationToken.None);
        return test;
    }

    /// <summary>An app of shell scripts.</summary>
    public static AppDefinition Shell(params string[] scripts) => new()
    {
        Name = App,
        Volumes = [new AppVolume("data")],
        Processes = [.. scripts.Select((script, i) => new AppProcess { Name = $"p{i}", Command = ["sh", "-c", script], WorkingDirectory = "${volumes.data}" })],
    };

    public async Task RunAsync(AppDefinition definition)
    {
        await Cluster.InstallAsync(definition, CancellationToken.None);
        await Cluster.StartAsync(App, CancellationToken.None);
    }

    /// <summary>The process of this cluster ends as if killed, and another one comes.</summary>
    public async Task RestartAsync()
    {
        await Cluster.DisposeAsync();
        Cluster = new LocalCluster(Options(State, _freezer));
        await Cluster.StartAsync(CancellationToken.None);
    }

    public async Task<ClusterApp> FindAsync() => (await Cluster.FindAsync(App, CancellationToken.None))!;

    public int KeeperId => DurableFile.Read(Layout.KeeperRecord, ClustersJson.Default.KeeperRecord)!.Pid;

    public async Task KillKeeperAsync()
    {
        var keeper = ProcessTable.Find(KeeperId)!.Value.Id;
        ProcessTable.Signal(keeper, 9);
        await UntilAsync(() => !ProcessTable.IsAlive(keeper), "the keeper is gone");
    }

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Patience, $"not within {Patience.TotalSeconds} s: {what}");
            await Task.Delay(5);
        }
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < Patience, $"not within {Patience.TotalSeconds} s: {what}");
            await Task.Delay(5);
        }
    }

    /// <summary>How many lines a file of the volume has; 0 when it is not there.</summary>
    public int Lines(string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(Volume, file)).Length;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public Task UntilWrittenAsync(string file, int lines = 1) => UntilAsync(() => Lines(file) >= lines, $"{file} has {lines} lines");

    public string Log(string process) => File.ReadAllText(Path.Combine(Layout.Logs, process + ".log"));

    public string KeeperLog => File.Exists(Layout.KeeperLog) ? File.ReadAllText(Layout.KeeperLog) : string.Empty;

    public void RequireCgroup(FreezerKind kind)
    {
        if (kind != FreezerKind.Signals && DurableFile.Read(Layout.KeeperRecord, ClustersJson.Default.KeeperRecord)!.Cgroup is null)
            Assert.Skip($"no {kind} can be had here");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in Cluster.Apps)
            await Cluster.KillAsync(app, CancellationToken.None);
        await Cluster.ShutDownAsync(CancellationToken.None);
        await Cluster.DisposeAsync();
        Directory.Delete(State, recursive: true);
    }
}
