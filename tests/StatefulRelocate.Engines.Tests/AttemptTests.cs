using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>How the attempts of a step become one result: what was answered, what was not, and what is certain.</summary>
public sealed class AttemptTests : IAsyncDisposable
{
    private readonly EngineRig _rig = new();

    [Fact]
    public async Task Attempts_that_fail_are_retried_and_the_next_one_carries_on()
    {
        _rig.Agents.On("quiesce", (request, _, _) => request.Attempt < 3 ? throw new ActivityException(EngineRig.Broken()) : Task.FromResult(new StepOutput()));

        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal(RelocationOutcome.Completed, state.Outcome);
        Assert.Equal([1, 2, 3], _rig.Agents.AttemptsOf("quiesce"));
        Assert.Single(_rig.Events().OfType<StepStarted>(), started => started is { Step: "quiesce", Direction: StepDirection.Do });
    }

    [Fact]
    public async Task The_last_answer_is_the_failure_of_the_step_and_all_is_undone()
    {
        _rig.Agents.On("quiesce", (request, _, _) => throw new ActivityException("broken", $"attempt {request.Attempt}"));

        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal((RelocationOutcome.Compensated, "quiesce on a failed: attempt 3"), (state.Outcome, state.OutcomeReason));
        Assert.Equal(RunStatus.Failed, state.Step("quiesce")!.Do.Status);
        // The first two are dispatched at once and reach the agents in any order.
        var undone = _rig.Agents.Requests.Names().Where(name => name.StartsWith("undo", StringComparison.Ordinal)).ToList();
        Assert.Equal(["undo prepare-target", "undo quiesce"], undone[..2].Order(StringComparer.Ordinal));
        Assert.Equal(["undo lease"], undone[2..]);
    }

    [Fact]
    public async Task What_cannot_be_retried_is_not()
    {
        _rig.Agents.On("quiesce", (_, _, _) => throw new ActivityException(EngineRig.Broken(retryable: false)));

        await _rig.RunAsync(Plans.Short());

        Assert.Equal([1], _rig.Agents.AttemptsOf("quiesce"));
    }

    [Theory]
    [InlineData(false, "timeout")]
    [InlineData(true, "heartbeat-timeout")]
    public async Task Silence_lapses_and_never_fails_and_the_agent_is_asked_to_stop_each_attempt(bool byHeart, string code)
    {
        var stopped = 0;
        _rig.Agents.On("quiesce", async (_, _, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
            Interlocked.Increment(ref stopped);
            return new StepOutput();
        });

        var limit = TimeSpan.FromMilliseconds(40);
        var state = await _rig.RunAsync(Plans.Short().Changed("quiesce", step => byHeart ? step with { HeartbeatTimeout = limit } : step with { Timeout = limit }));

        Assert.Equal((RunStatus.Lapsed, code), (state.Step("quiesce")!.Do.Status, state.Step("quiesce")!.Do.Failure!.Code));
        Assert.Contains("did not answer", state.OutcomeReason, StringComparison.Ordinal);
        await Poll.UntilAsync(() => stopped == 3, "every attempt was asked to stop");
        Assert.Equal(RelocationOutcome.Compensated, state.Outcome);
    }

    [Fact]
    public async Task A_heart_that_beats_keeps_an_attempt_alive_beyond_the_heartbeats_limit()
    {
        _rig.Agents.On("snapshot-1", async (request, heartbeat, _) =>
        {
            for (var beat = 0; beat < 60; beat++)
            {
                heartbeat(new ActivityProgress { BytesDone = beat });
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }

            return Plans.OutputOf(request);
        });

        var state = await _rig.RunAsync(Plans.Short().Changed("snapshot", step => step with { HeartbeatTimeout = TimeSpan.FromMilliseconds(300) }));

        Assert.Equal(RelocationOutcome.Completed, state.Outcome);
        Assert.Equal([1], _rig.Agents.AttemptsOf("snapshot-1"));
    }

    [Fact]
    public async Task An_agent_that_is_not_there_yet_costs_no_attempt()
    {
        var refused = 0;
        _rig.Agents.On("quiesce", (_, _, _) => ++refused < 20 ? throw new AgentUnreachableException("nobody there", sent: false) : Task.FromResult(new StepOutput()));

        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal(RelocationOutcome.Completed, state.Outcome);
        Assert.Equal([.. Enumerable.Repeat(1, 20)], _rig.Agents.AttemptsOf("quiesce"));
    }

    [Fact]
    public async Task An_agent_that_never_comes_fails_the_step_for_certain_because_nothing_was_sent()
    {
        _rig.Agents.On("quiesce", (_, _, _) => throw new AgentUnreachableException("nobody there", sent: false));

        var state = await _rig.RunAsync(Plans.Short().Changed("quiesce", step => step with { Timeout = TimeSpan.FromMilliseconds(60) }));

        var run = state.Step("quiesce")!.Do;
        Assert.Equal((RunStatus.Failed, "unreachable", true), (run.Status, run.Failure!.Code, run.Failure.CertainlyNoEffect));
    }

    [Fact]
    public async Task A_connection_that_broke_after_sending_is_unknown_and_counts()
    {
        _rig.Agents.On("quiesce", (_, _, _) => throw new AgentUnreachableException("broken", sent: true));

        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal([1, 2, 3], _rig.Agents.AttemptsOf("quiesce"));
        Assert.Equal(RunStatus.Lapsed, state.Step("quiesce")!.Do.Status);
    }

    [Theory]
    [InlineData("ccc", true)]
    [InlineData("ccf", false)]
    [InlineData("fcc", false)]
    [InlineData("?cc", false)]
    [InlineData("c?c", false)]
    public async Task It_is_certain_that_nothing_happened_only_when_every_attempt_was_answered_so(string attempts, bool certain)
    {
        Fails("quiesce", attempts);

        var state = await _rig.RunAsync(Plans.Short());

        var run = state.Step("quiesce")!.Do;
        Assert.Equal((RunStatus.Failed, certain), (run.Status, run.Failure!.CertainlyNoEffect));
    }

    [Fact]
    public async Task A_refusal_after_which_nobody_is_there_is_as_certain_as_the_refusal()
    {
        _rig.Agents.On("quiesce", (request, _, _) => request.Attempt == 1
            ? throw new ActivityException(EngineRig.Broken(certain: true))
            : throw new AgentUnreachableException("nobody there", sent: false));

        var state = await _rig.RunAsync(Plans.Short().Changed("quiesce", step => step with { Timeout = TimeSpan.FromMilliseconds(60) }));

        Assert.True(state.Step("quiesce")!.Do.Failure!.CertainlyNoEffect);
    }

    [Theory]
    [InlineData("ccc", RelocationOutcome.Compensated)]
    [InlineData("?cc", RelocationOutcome.Completed)]
    public async Task Past_the_point_of_no_return_only_what_is_certain_is_undone(string attempts, RelocationOutcome outcome)
    {
        _rig.Options = _rig.Options with { Time = new FastTime(10) };
        Fails("dns-switch", attempts);

        var state = await _rig.RunAsync(Plans.Short(timeout: TimeSpan.FromMinutes(1)));

        Assert.True(state.PointOfNoReturn);
        Assert.Equal(outcome, state.Outcome);
    }

    [Fact]
    public async Task A_bug_in_the_way_to_an_agent_is_silence_and_is_named()
    {
        _rig.Agents.On("quiesce", (_, _, _) => throw new InvalidOperationException("two\nlines"));

        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal((RunStatus.Lapsed, "quiesce: InvalidOperationException: two lines"), (state.Step("quiesce")!.Do.Status, state.Step("quiesce")!.Do.Failure!.Message));
    }

    [Fact]
    public async Task Attempts_are_counted_on_over_the_deaths_of_engines_and_an_unanswered_one_stays_unanswered()
    {
        _rig.Agents.Hold("quiesce");
        _rig.Journal.Create(Plans.Short());
        for (var engine = 1; engine <= 3; engine++)
        {
            var stop = _rig.Start();
            await _rig.DispatchedAsync("quiesce", engine);
            await stop();
        }

        _rig.Agents.On("quiesce", (_, _, _) => throw new ActivityException(EngineRig.Broken(retryable: false, certain: true)));
        var state = await _rig.RunAsync();

        Assert.Equal([1, 2, 3, 4], _rig.Agents.AttemptsOf("quiesce"));
        Assert.Single(_rig.Agents.Requests.Where(request => request.Name() == "quiesce").Select(request => request.Sequence).Distinct());
        Assert.Equal((RunStatus.Failed, false), (state.Step("quiesce")!.Do.Status, state.Step("quiesce")!.Do.Failure!.CertainlyNoEffect));
    }

    [Fact]
    public async Task The_waits_between_attempts_grow_by_the_policy_to_its_limit()
    {
        var policy = new Core.Plans.RetryPolicy { InitialInterval = TimeSpan.FromMilliseconds(100), MaximumInterval = TimeSpan.FromSeconds(1) };
        var engine = new EngineContext(_rig.Journal, _rig.Agents, _rig.Options);

        for (var failures = 1; failures < 100; failures++)
        {
            var whole = Math.Min(0.1 * Math.Pow(2, failures - 1), 1);
            Assert.InRange(engine.Wait(policy, failures).TotalSeconds, whole * 0.8, whole * 1.2);
        }

        await Task.CompletedTask;
    }

    private void Fails(string step, string attempts) => _rig.Agents.On(step, (request, _, _) => request.Attempt > attempts.Length || request.Sequence > FirstSequence(step)
        ? Task.FromResult(new StepOutput())
        : attempts[request.Attempt - 1] switch
        {
            '?' => throw new AgentUnreachableException("broken", sent: true),
            var answer => throw new ActivityException(EngineRig.Broken(certain: answer == 'c')),
        });

    private long FirstSequence(string step) => _rig.Agents.Requests.First(request => request.Name() == step).Sequence;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();
}
