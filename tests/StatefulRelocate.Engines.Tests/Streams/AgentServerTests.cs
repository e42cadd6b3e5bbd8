using System.Text.Json;
using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Dns;
using StatefulRelocate.Engines.Tests.Rig;
using static StatefulRelocate.Engines.Tests.Streams.Effects;

namespace StatefulRelocate.Engines.Tests.Streams;

/// <summary>An agent and its client over a real socket.</summary>
public sealed class AgentServerTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ScriptedAgent _agent;

    public AgentServerTests() => _agent = new ScriptedAgent(_directory.Path);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, bool> Failures => new()
    {
        { "activity", "lease-held", false },
        { "cluster", "app-running", false },
        { "dns", "dns-refused", true },
        { "input", "bad-input", false },
        { "io", "io", true },
        { "bug", "internal", true },
    };

    [Fact]
    public async Task The_output_of_an_activity_reaches_who_asked_for_it()
    {
        await using var client = await _agent.ConnectAsync();

        var output = await client.RunAsync(Do(StepKind.Lease, 3), _ => { }, Cancel).Soon();

        Assert.Equal(7, output.Epoch);
        var request = Assert.Single(_agent.Effects);
        Assert.Equal(Do(StepKind.Lease, 3) with { Spec = request.Spec, Captures = request.Captures }, request);
        Assert.Equal(Plans.Spec, request.Spec);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failure_travels_with_its_code_in_one_line(string what, string code, bool retryable)
    {
        _agent.Deeds["lease"] = (_, _) => throw (what switch
        {
            "activity" => new ActivityException("lease-held", "two\nlines", retryable: false),
            "cluster" => new ClusterException("app-running", "two\nlines", retryable: false),
            "dns" => new DnsException("two\nlines", unanswered: false),
            "input" => new RelocateException("two\nlines"),
            "io" => new IOException("two\nlines"),
            _ => new InvalidOperationException("two\nlines"),
        });
        await using var client = await _agent.ConnectAsync();

        var failure = await Refused(client.RunAsync(Do(StepKind.Lease, 3), _ => { }, Cancel));

        Assert.Equal((code, retryable), (failure.Code, failure.Retryable));
        if (what != "activity")
            Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public async Task What_the_agent_does_not_know_is_refused_by_name()
    {
        await using var client = await _agent.ConnectAsync();

        var kind = await Refused(client.RunAsync(Do("teleport", 3), _ => { }, Cancel));
        var call = await Assert.ThrowsAsync<ActivityException>(() => client.CallAsync("teleport", default, Cancel).Soon());

        Assert.Equal(("unknown-kind", false), (kind.Code, kind.Retryable));
        Assert.Contains("'teleport'", kind.Message, StringComparison.Ordinal);
        Assert.Equal("unknown-call", call.Failure.Code);
    }

    [Fact]
    public async Task Heartbeats_say_how_far_an_activity_is_and_go_on_without_its_word()
    {
        var end = new TaskCompletionSource();
        _agent.Deeds["snapshot"] = async (context, _) =>
        {
            // The first one at once is left to the next beat.
            while (!end.Task.IsCompleted)
            {
                context.Heartbeat(new ActivityProgress { BytesDone = 5, BytesTotal = 10, Doing = "copying" });
                await Task.Delay(5, Cancel);
            }

            return new StepOutput();
        };
        _agent.Deeds["fence"] = async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new StepOutput();
        };
        await using var client = await _agent.ConnectAsync();
        var said = 0;
        var silent = 0;
        using var stop = new CancellationTokenSource();

        var snapshot = client.RunAsync(Do(StepKind.Snapshot, 3), progress => said += progress is { BytesDone: 5, BytesTotal: 10, Doing: "copying" } ? 1 : 0, Cancel);
        var fence = client.RunAsync(Do(StepKind.Fence, 4), _ => silent++, stop.Token);
        await Poll.UntilAsync(() => Volatile.Read(ref said) >= 3 && Volatile.Read(ref silent) >= 1, "both beat");

        end.SetResult();
        await snapshot.Soon();
        await stop.CancelAsync();
        Assert.Equal("cancelled", (await Refused(fence)).Code);
    }

    [Fact]
    public async Task A_cancelled_activity_is_stopped_and_its_own_answer_still_comes()
    {
        var began = new TaskCompletionSource();
        _agent.Deeds["snapshot"] = async (_, token) =>
        {
            began.SetResult();
            await Task.Delay(Timeout.Infinite, token).ContinueWith(_ => { }, TaskScheduler.Default);
            return new StepOutput { SnapshotId = "finished all the same" };
        };
        await using var client = await _agent.ConnectAsync();
        using var stop = new CancellationTokenSource();

        var run = client.RunAsync(Do(StepKind.Snapshot, 3), _ => { }, stop.Token);
        await began.Task.Soon();
        await stop.CancelAsync();

        Assert.Equal("finished all the same", (await run.Soon()).SnapshotId);
    }

    [Fact]
    public async Task A_connection_that_drops_stops_nothing_and_the_output_is_there_for_the_next_one()
    {
        var began = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        _agent.Deeds["fence"] = async (_, token) =>
        {
            began.SetResult();
            await end.Task.WaitAsync(token);
            return new StepOutput { SnapshotId = "once" };
        };
        var first = await _agent.ConnectAsync();
        var lost = first.RunAsync(Do(StepKind.Fence, 3), _ => { }, Cancel);
        await began.Task.Soon();
        await first.DisposeAsync();
        var error = await Assert.ThrowsAsync<AgentUnreachableException>(() => lost.Soon());
        Assert.True(error.Sent);

        await using var second = await _agent.ConnectAsync();
        end.SetResult();
        await Poll.UntilAsync(() => File.ReadAllText(_directory.File("apps/shop/effects.jsonl")).Contains("once", StringComparison.Ordinal), "the output is recorded");

        Assert.Equal("once", (await second.RunAsync(Do(StepKind.Fence, 3, 2), _ => { }, Cancel).Soon()).SnapshotId);
        Assert.Equal(["fence"], _agent.Effects.Names());
    }

    [Fact]
    public async Task Many_activities_and_calls_share_a_connection_and_nobody_gets_an_answer_of_another()
    {
        _agent.Calls["echo"] = (body, _) => Task.FromResult(body);
        _agent.Deeds["roll-call"] = (context, _) => Task.FromResult(new StepOutput { SnapshotId = context.Request.Step });
        await using var client = await _agent.ConnectAsync();

        var work = Enumerable.Range(1, 100).Select(async number =>
        {
            var step = $"roll-call-{number}";
            _agent.Deeds[step] = _agent.Deeds["roll-call"];
            Assert.Equal(step, (await client.RunAsync(Do(step, number, kind: StepKind.RollCall), _ => { }, Cancel)).SnapshotId);
            Assert.Equal(number, (await client.CallAsync("echo", JsonSerializer.SerializeToElement(number), Cancel)).GetInt32());
        });

        await Task.WhenAll(work).Soon();
    }

    [Fact]
    public async Task Nobody_listening_is_told_apart_from_nobody_answering()
    {
        var error = await Assert.ThrowsAsync<AgentUnreachableException>(() => AgentClient.ConnectAsync(_directory.File("nobody.sock"), Cancel));
        Assert.False(error.Sent);

        var client = await _agent.ConnectAsync();
        await client.DisposeAsync();
        Assert.False(client.IsConnected);
        error = await Assert.ThrowsAsync<AgentUnreachableException>(() => client.RunAsync(Do(StepKind.Lease, 3), _ => { }, Cancel));
        Assert.False(error.Sent);
        Assert.Empty(_agent.Effects);
    }

    [Fact]
    public async Task A_receiver_of_heartbeats_that_throws_leaves_nobody_waiting_for_ever()
    {
        _agent.Deeds["fence"] = async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new StepOutput();
        };
        await using var client = await _agent.ConnectAsync();

        var run = client.RunAsync(Do(StepKind.Fence, 3), _ => throw new InvalidOperationException("no room for a progress bar"), Cancel);

        var error = await Assert.ThrowsAsync<AgentUnreachableException>(() => run.Soon());
        Assert.True(error.Sent);
        Assert.False(client.IsConnected);
    }

    [Fact]
    public async Task The_socket_is_its_owners_and_may_lie_deeper_than_the_kernels_address_reaches()
    {
        await using var deep = new ScriptedAgent(_directory.File(string.Join('/', Enumerable.Repeat("a-rather-long-directory", 8))));
        Assert.True(deep.Socket.Length > 107);

        await using var client = await deep.ConnectAsync();
        await client.RunAsync(Do(StepKind.Lease, 3), _ => { }, Cancel).Soon();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(deep.Socket));
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        _directory.Dispose();
    }
}
