using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Activities.Tests.Doubles;
using StatefulRelocate.Clusters;
using StatefulRelocate.Clusters.Local;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Dns;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Activities.Tests.Moves;

/// <summary>
/// One relocation of the app <c>web</c> from edge-a to edge-b, step by step as an engine would dispatch it: a real repository in a
/// directory, a real DNS server, two agents over doubles of clusters.
/// </summary>
internal sealed class Move : IAsyncDisposable
{
    public const string App = "web";

    /// <summary>The steps in their order; undos come in an order of their own.</summary>
    public static readonly string[] Steps =
    [
        "preflight-source", "preflight-target", "lease", "prepare-source", "prepare-target", "snapshot-1", "restore-1", "roll-call-source",
        "roll-call-target", "quiesce", "fence", "final-snapshot", "final-restore", "verify", "start", "ready", "dns-switch", "dns-verify",
        "retire", "release-lease",
    ];

    private static readonly string[] UndoOrder = ["dns-switch", "start", "fence", "quiesce", "prepare-target", "prepare-source", "lease"];

    // In memory where that can be had: hundreds of moves make tens of thousands of fsyncs, and no test here cuts the power.
    private static readonly string Home = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private readonly string _root;
    private readonly EmbeddedDnsServer _dnsServer;
    private readonly List<string> _dispatched = [];
    private ImmutableArray<CapturedOutput> _captures = [];
    private long _sequence;

    private Move(string root, EmbeddedDnsServer dnsServer, FaultyDns dns, Repository repository, FaultyObjectStore store, CrashPoints crashes)
    {
        (_root, _dnsServer, Dns, Repository, Store, Crashes) = (root, dnsServer, dns, repository, store, crashes);
    }

    /// <summary>The source, where it is a double.</summary>
    public DoubleCluster A => (DoubleCluster)AgentA.Cluster;

    /// <summary>The target, where it is a double.</summary>
    public DoubleCluster B => (DoubleCluster)AgentB.Cluster;

    public TestAgent AgentA { get; private set; } = null!;

    public TestAgent AgentB { get; private set; } = null!;

    public FaultyDns Dns { get; }

    public Repository Repository { get; }

    public FaultyObjectStore Store { get; }

    public CrashPoints Crashes { get; }

    public DoubleWorld World { get; } = new();

    public string Id { get; private set; } = "r-1";

    public TimeSpan? BlackoutLeft { get; set; } = TimeSpan.FromSeconds(10);

    public RelocationSpec Spec { get; set; } = new()
    {
        App = App,
        Source = "edge-a",
        Target = "edge-b",
        Repository = "main",
        Dns = new DnsSpec { Zone = "edge.test", Name = "web" },
    };

    public DnsRecordSet OldSet { get; } = new() { Name = "web.edge.test", Type = "A", Ttl = TimeSpan.FromSeconds(5), Records = ["127.0.0.11"] };

    public string VolumeA => AgentA.Cluster.VolumePath(App, "data");

    public string VolumeB => AgentB.Cluster.VolumePath(App, "data");

    /// <summary>A world in which the app serves on edge-a.</summary>
    /// <param name="cluster">Makes a cluster of a name and an address in a directory; null: doubles.</param>
    /// <param name="definition">The app; null: one for the doubles, with every hook.</param>
    /// <param name="conditions">Who keeps the conditions of puts.</param>
    public static async Task<Move> StartAsync(
        Func<string, string, string, Task<ICluster>>? cluster = null, AppDefinition? definition = null, ConditionKeeping conditions = ConditionKeeping.Store)
    {
        var token = TestContext.Current.CancellationToken;
        var root = Path.Combine(Home, "relocate-steps-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(root);
        var keyFile = Path.Combine(root, "key");
        RepositoryKey.CreateKeyFile(keyFile);
        var crashes = new CrashPoints();
        var objects = Directory.CreateDirectory(Path.Combine(root, "objects")).FullName;
        var store = new FaultyObjectStore(DirectoryObjectStore.Open(objects), crashes, conditions);
        var repository = await Repository.InitializeAsync(store, RepositoryKey.FromKeyFile(keyFile), token);
        var state = Directory.CreateDirectory(Path.Combine(root, "dns")).FullName;
        var endpoint = FreeEndpoint();
        var server = EmbeddedDnsServer.Start(new EmbeddedDnsOptions { Listen = endpoint, Zones = ["edge.test"], StateDirectory = state });
        var dns = new FaultyDns(new EmbeddedDnsDriver(Path.Combine(state, EmbeddedDnsOptions.ControlSocketName), endpoint, TimeProvider.System));
        var move = new Move(root, server, dns, repository, store, crashes);
        cluster ??= (name, address, directory) => Task.FromResult<ICluster>(new DoubleCluster(name, address, directory, crashes, move.World));
        move.AgentA = new TestAgent(await cluster("edge-a", "127.0.0.11", Path.Combine(root, "a")), repository, dns);
        move.AgentB = new TestAgent(await cluster("edge-b", "127.0.0.12", Path.Combine(root, "b")), repository, dns);
        await move.PrepareWorldAsync(definition ?? DefinitionForDoubles(), token);
        return move;
    }

    /// <summary>Runs all steps before the one named.</summary>
    public async Task ReachAsync(string step)
    {
        foreach (var before in Steps.TakeWhile(name => name != step))
            await DoAsync(before);
    }

    public async Task CompleteAsync()
    {
        foreach (var step in Steps.Where(step => !_dispatched.Contains(step)))
            await DoAsync(step);
    }

    public Task<StepOutput> DoAsync(string step) => DispatchAsync(step, StepDirection.Do);

    public Task<StepOutput> UndoAsync(string step) => DispatchAsync(step, StepDirection.Undo);

    /// <summary>What an engine asks for; a retry asks for the same with a higher attempt.</summary>
    public ActivityRequest Request(string step, StepDirection direction, int attempt = 1)
    {
        if (attempt == 1)
            _sequence++;
        var kind = StepKind.All.OrderByDescending(kind => kind.Length).First(kind => step == kind || step.StartsWith(kind + "-", StringComparison.Ordinal));
        var onSource = step is "preflight-source" or "lease" or "prepare-source" or "roll-call-source" or "quiesce" or "fence" or "final-snapshot" or "retire" or "release-lease"
            || kind == StepKind.Snapshot;
        return new ActivityRequest
        {
            RelocationId = Id,
            Step = step,
            Kind = kind,
            Cluster = onSource ? Spec.Source : Spec.Target,
            Round = kind is StepKind.Snapshot or StepKind.Restore ? 1 : kind is StepKind.FinalSnapshot or StepKind.FinalRestore or StepKind.Verify ? 2 : 0,
            Direction = direction,
            Sequence = _sequence,
            Attempt = attempt,
            Epoch = _captures.FirstOrDefault(capture => capture.Step == "lease")?.Output.Epoch ?? 0,
            Spec = Spec,
            Captures = _captures,
            BlackoutLeft = BlackoutLeft,
            StartDispatched = _dispatched.Contains("start"),
        };
    }

    public async Task<StepOutput> SendAsync(ActivityRequest request)
    {
        if (request.Direction is StepDirection.Do && !_dispatched.Contains(request.Step))
            _dispatched.Add(request.Step);
        var output = await AgentOf(request.Cluster).RunAsync(request);
        if (request.Direction is StepDirection.Do)
            _captures = _captures.Add(new CapturedOutput(request.Step, output));
        return output;
    }

    /// <summary>Everything that was dispatched and has an undo, dependents first.</summary>
    public IEnumerable<string> ToUndo => UndoOrder.Where(_dispatched.Contains);

    /// <summary>Undoes everything that was dispatched, dependents first.</summary>
    public async Task UndoAllAsync()
    {
        foreach (var step in ToUndo)
            await UndoAsync(step);
    }

    public void RestartAgents()
    {
        Crashes.Disarm();
        AgentA.Restart();
        AgentB.Restart();
    }

    /// <summary>From here on another relocation, the other way when <paramref name="back"/>.</summary>
    public void Next(string id, bool back)
    {
        (Id, _captures) = (id, []);
        _dispatched.Clear();
        if (back)
            Spec = Spec with { Source = Spec.Target, Target = Spec.Source };
    }

    public TestAgent AgentOf(string cluster) => cluster == "edge-a" ? AgentA : AgentB;

    public async Task<WriterRecord?> RecordAsync()
        => (await new WriterRecordStore(Repository).ReadAsync(App, TestContext.Current.CancellationToken))?.Record;

    public Task<DnsRecordSet> DnsAsync() => Dns.CaptureAsync("edge.test", "web.edge.test", "A", TestContext.Current.CancellationToken);

    /// <summary>The world is what it was: the source serves, nothing of ours is left, nothing that was not ours is gone.</summary>
    public async Task AssertRestoredAsync(string context = "")
    {
        Assert.True(World.Violations.Count == 0, context + ": " + string.Join("; ", World.Violations));
        Assert.True(A.State(App) is AppRunState.Running, $"{context}: {App} is {A.State(App)} on edge-a");
        Assert.True(A.ReadWriterState(App).MayRun("edge-a"), context + ": edge-a may not restart it");
        Assert.True(B.State(App) is AppRunState.Stopped, $"{context}: {App} is {B.State(App)} on edge-b");
        Assert.True(await B.FindAsync(App, TestContext.Current.CancellationToken) is null, context + ": edge-b still knows the app");
        Assert.False(Directory.Exists(VolumeB), context + ": the target's volume is left");
        var record = await RecordAsync();
        Assert.True(record is null or { RelocationId: null, Writer: "edge-a", Phase: RelocationPhase.None }, $"{context}: {record}");
        Assert.Equal(OldSet, await DnsAsync());
        Assert.Empty(Directory.EnumerateFiles(A.AppDirectory(App), "*.json").Select(Path.GetFileName));
        Assert.Empty(await SealedNamesAsync());
    }

    public async Task<List<string>> SealedNamesAsync()
    {
        var names = new List<string>();
        await foreach (var (name, _, _) in Store.ListAsync("apps/", TestContext.Current.CancellationToken))
            names.Add(name);
        return names;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in new[] { AgentA, AgentB })
        {
            agent.Dispose();
            if (agent.Cluster is LocalCluster cluster)
            {
                await cluster.ShutDownAsync(CancellationToken.None);
                await cluster.DisposeAsync();
            }
        }

        await _dnsServer.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    private Task<StepOutput> DispatchAsync(string step, StepDirection direction) => SendAsync(Request(step, direction));

    private static AppDefinition DefinitionForDoubles()
    {
        var hook = (string name) => new AppHook { Exec = new ExecCommand([name]) };
        return new AppDefinition
        {
            Name = App,
            Volumes = [new AppVolume("data")],
            Processes = [new AppProcess { Name = "web", Command = ["web"] }],
            Hooks = new AppHooks { Settle = hook("settle"), Quiesce = hook("quiesced"), Unquiesce = hook("unquiesced"), Started = hook("started") },
        };
    }

    private async Task PrepareWorldAsync(AppDefinition definition, CancellationToken token)
    {
        await AgentA.Cluster.InstallAsync(definition, token);
        Directory.CreateDirectory(Path.Combine(VolumeA, "images"));
        var random = new Random(4);
        var content = new byte[300_000];
        random.NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(VolumeA, "database"), content, token);
        await File.WriteAllTextAsync(Path.Combine(VolumeA, "images", "cold"), "warm long before the cutover", token);
        await AgentA.Cluster.StartAsync(App, token);
        await Dns.SwapAsync("edge.test", OldSet with { Ttl = default, Records = [] }, OldSet, token);
    }

    private static IPEndPoint FreeEndpoint()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
