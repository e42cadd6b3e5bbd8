using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using StatefulRelocate.EndToEnd.Tests.Observing;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.Servers;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>
/// Two clusters, a Temporal server that keeps its state, <c>relocate-server</c> and an agent for each cluster, each a process of its own that the test kills and starts again.
/// The app appends 1, 2, 3 … to a file, and goes on from what it finds there: a line that is missing, or twice there, is a lost write or a second writer.
/// </summary>
internal sealed class TemporalWorld : IAsyncDisposable
{
    public const string Server = "relocate-server";
    public const string SourceAgent = "relocate-agent edge-a";
    public const string TargetAgent = "relocate-agent edge-b";
    public const string Temporal = "temporal";

    /// <summary>The program that a user runs, and the clusters that it keeps up.</summary>
    public const string Relocate = "relocate";

    /// <summary>The programs that work on the server's queues.</summary>
    public static readonly ImmutableArray<string> Programs = [Server, SourceAgent, TargetAgent];

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static readonly string[] Hooks = ["settle", "quiesce", "started"];

    private readonly TemporalServer _temporal;
    private readonly MoveObserver _observer;
    private readonly Dictionary<string, RunningProgram> _programs = [];
    private readonly Func<string, IReadOnlyDictionary<string, string>> _variablesOf;
    private TemporalClient? _client;

    private TemporalWorld(World world, TemporalServer temporal, Func<string, IReadOnlyDictionary<string, string>>? variablesOf)
    {
        (World, _temporal, _variablesOf) = (world, temporal, variablesOf ?? (static _ => new Dictionary<string, string>()));
        _observer = new MoveObserver(world.Directory, "edge-a", "edge-b", () => world.FenceFile("edge-a"));
    }

    public World World { get; }

    /// <param name="maxBlackout">The bound of the blackout.</param>
    /// <param name="approval">Whether the cutover waits for a person.</param>
    /// <param name="variablesOf">Variables that a program gets beside its own.</param>
    public static async Task<TemporalWorld> CreateAsync(TimeSpan maxBlackout, bool approval = false, Func<string, IReadOnlyDictionary<string, string>>? variablesOf = null)
    {
        var temporal = await TemporalServer.TryStartAsync(new TemporalServerOptions { Durable = true }, TestContext.Current.CancellationToken);
        Assert.SkipWhen(temporal is null, TemporalServer.Missing);
        var cutover = string.Create(CultureInfo.InvariantCulture, $"{{maxDowntime: 1s, maxBlackout: {maxBlackout.TotalMilliseconds:0}ms, onNoConvergence: cutover-anyway, approval: {(approval ? "true" : "false")}}}");
        var variables = Merged(temporal.Variables, variablesOf?.Invoke(Relocate) ?? new Dictionary<string, string>());
        variables["RELOCATE_ENGINE"] = "temporal";
        var world = new TemporalWorld(await World.CreateAsync(App, cutover, credentials: variables), temporal, variablesOf);
        foreach (var program in Programs)
            world.Start(program);
        world._client = await temporal.ConnectAsync();
        // A run that nobody would work on is refused, not started.
        foreach (var program in Programs)
            await world.PolledByAsync(program, 1);
        return world;
    }

    /// <summary>Begins the move, by the program that a user runs; it only follows.</summary>
    public RunningProgram Begin() => World.Start("run", "-f", World.RelocationFile, "--json");

    /// <summary>A moment of the move: a hook has begun, which takes a third of a second, or a step was given to its queue.</summary>
    /// <param name="run">The program that began it: where it ended before, it says why.</param>
    /// <param name="moment">The hook, or the step's kind.</param>
    public async Task ReachesAsync(RunningProgram run, string moment)
    {
        async Task<bool> IsReachedAsync() => Hooks.Contains(moment) ? HasRun(moment) : await IsScheduledAsync(moment);
        await Eventually.IsTrueAsync(moment, async () => await IsReachedAsync() || run.HasExited, Limit);
        Assert.True(await IsReachedAsync(), $"it ended before {moment}: {(run.HasExited ? await run.WaitAsync(Limit) : null)}");
    }

    private async Task<bool> IsScheduledAsync(string kind)
    {
        try
        {
            return (await (await RelocationAsync()).FetchHistoryAsync()).Events.Any(happened => happened.ActivityTaskScheduledEventAttributes?.ActivityType.Name == kind);
        }
        catch (InvalidOperationException)
        {
            // It has not begun.
            return false;
        }
    }

    private bool HasRun(string hook) => Directory.EnumerateFiles(World.StateDirectory, hook, SearchOption.AllDirectories).Any();

    /// <summary>Starts a program beside those that run.</summary>
    /// <param name="program">Which one.</param>
    /// <param name="name">What the test calls it. Default: <paramref name="program"/>.</param>
    public void Start(string program, string? name = null)
    {
        string[] words = program.Split(' ');
        var arguments = words.Length > 1 ? new[] { "--cluster", words[1] } : [];
        _programs[name ?? program] = RelocateProgram.Start(words[0], arguments, Merged(World.Environment, _variablesOf(program)));
    }

    /// <summary>How many processes poll the queue that a program works on.</summary>
    public async Task<int> PollersAsync(string program)
    {
        var queue = QueueOf(program);
        return (await _client!.Connection.WorkflowService.DescribeTaskQueueAsync(new() { Namespace = TemporalServer.Namespace, TaskQueue = new() { Name = queue.Name }, TaskQueueType = queue.Type }))
            .Pollers.Select(static poller => poller.Identity).Distinct(StringComparer.Ordinal).Count();
    }

    /// <summary>Until so many processes poll the queue that a program works on.</summary>
    public Task PolledByAsync(string program, int processes) => Eventually.IsTrueAsync($"{processes} who poll as {program}", async () => await PollersAsync(program) >= processes, Limit);

    /// <summary>Tells a program to stop, as an upgrade does, and waits until it has.</summary>
    public async Task<ProgramResult> StopAsync(string program)
    {
        _programs[program].Terminate();
        return await _programs[program].WaitAsync(Limit);
    }

    public async Task KillAsync(string program)
    {
        if (program == Temporal)
        {
            await _temporal.KillAsync();
            return;
        }

        _programs.Remove(program, out var running);
        running!.Kill();
        running.Dispose();
    }

    public async Task StartAgainAsync(string program)
    {
        if (program == Temporal)
            await _temporal.StartAgainAsync(TestContext.Current.CancellationToken);
        else
            Start(program);
    }

    /// <summary>What operators do at 2 a.m.</summary>
    public async Task TerminateAsync() => await (await RelocationAsync()).TerminateAsync("2 a.m.");

    /// <summary>Back to its first task: it then knows nothing of what was done since.</summary>
    public async Task ResetAsync()
    {
        var relocation = await RelocationAsync();
        var task = (await relocation.FetchHistoryAsync()).Events.First(static happened => happened.EventType == EventType.WorkflowTaskCompleted).EventId;
        await _client!.Connection.WorkflowService.ResetWorkflowExecutionAsync(new()
        {
            Namespace = TemporalServer.Namespace,
            RequestId = Guid.NewGuid().ToString(),
            WorkflowExecution = new() { WorkflowId = relocation.Id },
            WorkflowTaskFinishEventId = task,
            Reason = "2 a.m.",
        });
    }

    /// <summary>The latest run of the only relocation on this server.</summary>
    public async Task<WorkflowHandle> RelocationAsync()
    {
        await foreach (var relocation in _client!.ListWorkflowsAsync("WorkflowType = 'Relocation'"))
            return _client.GetWorkflowHandle(relocation.Id);
        throw new InvalidOperationException("no relocation is on the server");
    }

    /// <summary>Until its workflow has ended. Then one side serves, the other does not, and no line is lost or there twice.</summary>
    public async Task EndsLegallyAsync()
    {
        var status = WorkflowExecutionStatus.Running;
        await Eventually.IsTrueAsync("the end of the relocation", async () =>
        {
            try
            {
                status = (await (await RelocationAsync()).DescribeAsync()).Status;
            }
            catch (Exception error) when (error is Temporalio.Exceptions.RpcException or InvalidOperationException)
            {
                // Just away, or just back.
            }

            return status != WorkflowExecutionStatus.Running;
        }, Limit);
        var (serving, other) = status == WorkflowExecutionStatus.Completed ? ("edge-b", "edge-a") : ("edge-a", "edge-b");
        var before = Lines(serving).Count;
        await Eventually.IsTrueAsync($"new lines on {serving} after the workflow ended as {status}", () => Lines(serving).Count > before, Limit);
        Assert.Empty(_observer.Finish());
        var lines = Lines(serving);
        Assert.Equal(Enumerable.Range(1, lines.Count).Select(static number => number.ToString(CultureInfo.InvariantCulture)), lines);
        if (serving == "edge-b")
            Assert.True(Lines(other).Count <= lines.Count, "the source has lines that the target lacks");
    }

    /// <summary>The lines that the app wrote on a cluster.</summary>
    public IReadOnlyList<string> Lines(string cluster)
    {
        var file = Path.Combine(World.VolumePath(cluster), "lines");
        if (!File.Exists(file))
            return [];
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var text = reader.ReadToEnd();
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>How long the source wrote nothing, from now on, until it writes again.</summary>
    public async Task<TimeSpan> SilenceOfTheSourceAsync()
    {
        var (longest, since, count) = (TimeSpan.Zero, Stopwatch.GetTimestamp(), Lines("edge-a").Count);
        await Eventually.IsTrueAsync("the source writing again after a silence of a second", () =>
        {
            var now = Lines("edge-a").Count;
            if (now == count)
                return false;
            longest = Stopwatch.GetElapsedTime(since);
            (since, count) = (Stopwatch.GetTimestamp(), now);
            return longest > TimeSpan.FromSeconds(1);
        }, Limit);
        return longest;
    }

    public async ValueTask DisposeAsync()
    {
        _observer.Dispose();
        foreach (var program in _programs.Values)
            program.Dispose();
        foreach (var cluster in (string[])["edge-a", "edge-b"])
            await World.RunAsync("cluster", "down", cluster);
        await World.RunAsync("dns", "down");
        await World.DisposeAsync();
        await _temporal.DisposeAsync();
    }

    private static Dictionary<string, string> Merged(IReadOnlyDictionary<string, string> variables, IReadOnlyDictionary<string, string> others)
    {
        var merged = new Dictionary<string, string>(variables);
        foreach (var (name, value) in others)
            merged[name] = value;
        return merged;
    }

    private static (string Name, TaskQueueType Type) QueueOf(string program) =>
        program == Server ? ("relocate-server", TaskQueueType.Workflow) : (program.Replace(' ', '-'), TaskQueueType.Activity);

    private static string App => """
        volumes: [{name: data}]
        processes:
          - name: writer
            command: ["/bin/sh", "-c", "cd \"$RELOCATE_VOLUME_DATA\"; i=$(tail -n 1 lines 2>/dev/null); [ -n \"$i\" ] || i=0; while :; do i=$((i+1)); echo $i >> lines; sleep 0.01; done"]
            workingDirectory: "${volumes.data}"
            stop: {signal: TERM, grace: 2s}
        hooks:
          settle: {exec: ["/bin/sh", "-c", "touch settle; sleep 0.3"]}
          quiesce: {exec: ["/bin/sh", "-c", "touch quiesce; sleep 0.3"]}
          started: {exec: ["/bin/sh", "-c", "touch started; sleep 0.3"]}
        """;
}
