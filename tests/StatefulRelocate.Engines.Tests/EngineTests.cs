using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>Relocations beside each other, and what people say to them while they run.</summary>
public sealed class EngineTests : IAsyncDisposable
{
    private readonly EngineRig _rig = new();

    [Fact]
    public async Task A_relocation_runs_to_its_end_by_the_plan()
    {
        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal(RelocationOutcome.Completed, state.Outcome);
        Assert.Equal(
            ["lease", "prepare-target", "snapshot-1", "restore-1", "quiesce", "start", "dns-switch", "dns-verify", "release-lease"],
            _rig.Agents.Requests.Names().Order(Comparer<string>.Create((left, right) => Place(left) - Place(right))));
        Assert.All(_rig.Agents.Requests.Where(request => request.Step != "lease"), request => Assert.Equal(7, request.Epoch));
        int Place(string step) => _rig.Events().ToList().FindIndex(happened => happened is StepStarted started && started.Step == step);
    }

    [Fact]
    public async Task Every_dispatch_is_in_the_journal_before_an_agent_hears_of_it()
    {
        foreach (var step in new[] { "lease", "quiesce", "start", "dns-switch" })
            _rig.Agents.On(step, (request, _, _) =>
            {
                using var other = RelocationJournal.Open(_rig.JournalPath);
                Assert.Contains(other.Read(request.RelocationId), journaled => journaled.Event is StepStarted started && started.Sequence == request.Sequence);
                Assert.Contains(new JournaledAttempt(request.Sequence, request.Attempt, null), other.ReadAttempts(request.RelocationId));
                if (step == "dns-switch")
                    Assert.Contains(other.Read(request.RelocationId), journaled => journaled.Event is PointOfNoReturnPassed);
                return Task.FromResult(Plans.OutputOf(request));
            });

        Assert.Equal(RelocationOutcome.Completed, (await _rig.RunAsync(Plans.Short())).Outcome);
    }

    [Fact]
    public async Task No_more_relocations_run_at_once_than_the_limit_and_each_that_ends_makes_room()
    {
        _rig.Options = _rig.Options with { MaximumConcurrentRelocations = 2 };
        var running = 0;
        var most = 0;
        _rig.Agents.On("lease", async (request, _, _) =>
        {
            lock (_rig)
                most = Math.Max(most, ++running);
            await Task.Delay(5, TestContext.Current.CancellationToken);
            return Plans.OutputOf(request);
        });
        _rig.Agents.On("release-lease", (_, _, _) =>
        {
            lock (_rig)
                running--;
            return Task.FromResult(new StepOutput());
        });
        foreach (var number in Enumerable.Range(1, 9))
            _rig.Journal.Create(Plans.Short($"move-{number}"));

        _rig.Start();

        await Poll.UntilAsync(() => _rig.Journal.ListOpen().Count == 0, "all of them end");
        Assert.Equal(2, most);
    }

    [Fact]
    public async Task One_that_waits_for_approval_takes_no_place()
    {
        _rig.Options = _rig.Options with { MaximumConcurrentRelocations = 1 };
        _rig.Journal.Create(Plans.Short().WithGate());
        _rig.Journal.Create(Plans.Short("other"));

        _rig.Start();

        await _rig.EndedAsync("other");
        Assert.True(_rig.State().AwaitsApproval);
        _rig.Journal.Signal("shop-a-b-1", new Approve("me"));
        await _rig.EndedAsync();
        Assert.Equal(RelocationOutcome.Completed, _rig.State().Outcome);
    }

    [Fact]
    public async Task An_abort_from_elsewhere_undoes_what_was_dispatched_and_asks_what_runs_to_stop()
    {
        var cancelled = new TaskCompletionSource();
        _rig.Agents.On("quiesce", async (_, _, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel).ContinueWith(_ => cancelled.SetResult(), TaskScheduler.Default);
            throw new ActivityException("cancelled", "cancelled", retryable: false);
        });
        _rig.Journal.Create(Plans.Short());
        _rig.Start();
        await _rig.DispatchedAsync("quiesce");

        using (var person = RelocationJournal.Open(_rig.JournalPath))
            person.Signal("shop-a-b-1", new Abort("enough"));

        await cancelled.Task.Soon();
        await _rig.EndedAsync();
        Assert.Equal((RelocationOutcome.Aborted, "enough"), (_rig.State().Outcome, _rig.State().OutcomeReason));
        // The first two are dispatched at once and reach the agents in any order.
        var undone = _rig.Agents.Requests.Names()[^3..];
        Assert.Equal(["undo prepare-target", "undo quiesce"], undone[..2].Order(StringComparer.Ordinal));
        Assert.Equal("undo lease", undone[^1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_abort_waits_neither_for_an_agent_that_is_not_there_nor_for_the_next_attempt(bool there)
    {
        _rig.Agents.On("quiesce", (_, _, _) => there
            ? throw new ActivityException(EngineRig.Broken())
            : throw new AgentUnreachableException("nobody there", sent: false));
        var hours = TimeSpan.FromHours(5);
        _rig.Journal.Create(Plans.Short().Changed("quiesce", step => step with { Timeout = hours, Retry = new Core.Plans.RetryPolicy { InitialInterval = hours, MaximumInterval = hours } }));
        _rig.Start();
        await _rig.DispatchedAsync("quiesce", there ? 1 : 2);
        // Committed with its answer: the wait for the next attempt has begun.
        await Poll.UntilAsync(() => !there || _rig.Journal.ReadAttempts("shop-a-b-1").Any(attempt => attempt.Attempt == 2), "the attempt is answered");

        _rig.Journal.Signal("shop-a-b-1", new Abort());

        await _rig.EndedAsync();
        Assert.Equal(RelocationOutcome.Aborted, _rig.State().Outcome);
        Assert.Equal(RunStatus.Failed, _rig.State().Step("quiesce")!.Do.Status);
    }

    [Fact]
    public async Task A_plan_that_another_process_writes_is_taken_up_beside_the_others()
    {
        _rig.Agents.Hold("quiesce");
        _rig.Journal.Create(Plans.Short());
        _rig.Start();
        await _rig.DispatchedAsync("quiesce");

        using (var other = RelocationJournal.Open(_rig.JournalPath))
            other.Create(Plans.Short("other"));

        await _rig.DispatchedAsync("quiesce", 2);
        Assert.Equal("other", _rig.Agents.Requests[^1].RelocationId);
    }

    [Fact]
    public async Task An_abort_that_came_first_keeps_the_point_of_no_return_from_being_passed()
    {
        // The signal is appended after the start's answer and before its commit: the engine decided on a state that is no more.
        _rig.Agents.On("start", (_, _, _) =>
        {
            using var person = RelocationJournal.Open(_rig.JournalPath);
            person.Signal("shop-a-b-1", new Abort("in the last moment"));
            return Task.FromResult(new StepOutput());
        });

        var state = await _rig.RunAsync(Plans.Short());

        Assert.Equal((RelocationOutcome.Aborted, false), (state.Outcome, state.PointOfNoReturn));
        Assert.DoesNotContain("dns-switch", _rig.Agents.Requests.Names());
        Assert.Contains("undo start", _rig.Agents.Requests.Names());
    }

    [Fact]
    public async Task However_an_abort_races_the_point_of_no_return_the_one_in_the_journal_first_wins()
    {
        for (var round = 0; round < 20; round++)
        {
            var id = $"race-{round}";
            var answered = new TaskCompletionSource();
            _rig.Agents.On("start", (_, _, _) =>
            {
                answered.TrySetResult();
                return Task.FromResult(new StepOutput());
            });
            var person = Task.Run(async () =>
            {
                await answered.Task;
                await Task.Delay(TimeSpan.FromMicroseconds(round * 100));
                _rig.Journal.Signal(id, new Abort());
            }, TestContext.Current.CancellationToken);

            await _rig.RunAsync(Plans.Short(id));
            await person.Soon();

            var state = _rig.State(id);
            var events = _rig.Events(id).ToList();
            var abort = events.FindIndex(happened => happened is SignalReceived);
            var passed = events.FindIndex(happened => happened is PointOfNoReturnPassed);
            Assert.Equal(passed < 0 || abort < passed ? RelocationOutcome.Aborted : RelocationOutcome.Completed, state.Outcome);
            Assert.Equal(passed >= 0, _rig.Agents.Requests.Any(request => request.RelocationId == id && request.Step == "dns-switch"));
            Assert.Equal(state.Outcome == RelocationOutcome.Aborted, state.Signals.Single().Accepted);
        }
    }

    [Fact]
    public async Task An_undo_that_fails_waits_longer_each_time_and_then_asks_for_a_person_who_resumes_it()
    {
        _rig.Options = _rig.Options with { Time = new FastTime(50) };
        var repaired = false;
        _rig.Agents.On("quiesce", (_, _, _) => throw new ActivityException(EngineRig.Broken(retryable: false)));
        _rig.Agents.On("undo prepare-target", (_, _, _) => repaired ? Task.FromResult(new StepOutput()) : throw new ActivityException(EngineRig.Broken()));

        var state = await _rig.RunAsync(Plans.Short(timeout: TimeSpan.FromMinutes(5), attempts: 1));

        Assert.Equal("the undo of prepare-target on b failed: the disk is full", state.Attention);
        Assert.Equal(6, _rig.Agents.AttemptsOf("undo prepare-target").Length);
        Assert.DoesNotContain("undo lease", _rig.Agents.Requests.Names());

        repaired = true;
        _rig.Journal.Signal("shop-a-b-1", new Resume());
        state = await _rig.RunAsync();
        Assert.Equal(RelocationOutcome.Compensated, state.Outcome);
        Assert.Equal("undo lease", _rig.Agents.Requests.Names()[^1]);
    }

    [Fact]
    public async Task A_blackout_that_may_last_longer_than_a_system_timer_is_no_error()
    {
        var plan = Plans.Short();
        plan = plan with { Spec = plan.Spec with { Cutover = plan.Spec.Cutover with { MaxBlackout = TimeSpan.FromDays(100) } } };

        Assert.Equal(RelocationOutcome.Completed, (await _rig.RunAsync(plan)).Outcome);
    }

    [Fact]
    public async Task The_blackouts_limit_undoes_a_cutover_that_hangs_also_when_another_engine_began_it()
    {
        var plan = Plans.Short();
        plan = plan with { Spec = plan.Spec with { Cutover = plan.Spec.Cutover with { MaxBlackout = TimeSpan.FromSeconds(1) } } };
        _rig.Agents.On("start", async (_, _, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return new StepOutput();
        });
        _rig.Journal.Create(plan);
        var stop = _rig.Start();
        await _rig.DispatchedAsync("start");
        await stop();

        var state = await _rig.RunAsync();

        Assert.Equal((RelocationOutcome.Compensated, "the blackout lasted longer than maxBlackout (1s)"), (state.Outcome, state.OutcomeReason));
        var began = _rig.Events().OfType<StepStarted>().First(started => started.Step == "quiesce").At;
        Assert.True(_rig.Events().OfType<TimerFired>().First().At - began >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task An_engine_that_is_stopped_cancels_nothing_and_the_next_one_asks_for_the_same_dispatch()
    {
        var cancelled = false;
        _rig.Agents.On("quiesce", async (_, _, cancel) =>
        {
            await using var registered = cancel.Register(() => cancelled = true);
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            return new StepOutput();
        });
        _rig.Journal.Create(Plans.Short());
        var stop = _rig.Start();
        await _rig.DispatchedAsync("quiesce");

        await stop();
        _rig.Agents.On("quiesce", (_, _, _) => Task.FromResult(new StepOutput()));
        var state = await _rig.RunAsync();

        Assert.False(cancelled);
        Assert.Equal(RelocationOutcome.Completed, state.Outcome);
        Assert.Single(_rig.Agents.Requests.Where(request => request.Step == "quiesce").Select(request => request.Sequence).Distinct());
    }

    [Fact]
    public async Task An_engine_does_not_leave_another_relocation_in_its_blackout()
    {
        _rig.Journal.Create(Plans.Short("other"));
        var held = _rig.Agents.Hold("start");
        var own = Plans.Short("own");
        _rig.Agents.On("lease", async (request, _, _) =>
        {
            if (request.RelocationId == "own")
                await _rig.DispatchedAsync("start");
            return request.RelocationId == "own" ? throw new ActivityException(EngineRig.Broken(retryable: false)) : Plans.OutputOf(request);
        });

        var run = _rig.RunAsync(own);
        await _rig.EndedAsync("own");
        Assert.False(run.IsCompleted);
        held.SetResult(new StepOutput());

        await run.Soon();
        Assert.NotEmpty(_rig.State("other").Steps.Where(step => step is { Id: "start", Do.Status: RunStatus.Completed }));
    }

    [Fact]
    public async Task Progress_is_there_for_other_terminals_while_it_runs_and_gone_after()
    {
        var directory = Path.GetDirectoryName(_rig.JournalPath)!;
        _rig.Options = _rig.Options with { Progress = new ProgressBoard(directory, TimeProvider.System) };
        var end = new TaskCompletionSource();
        _rig.Agents.On("snapshot-1", async (request, heartbeat, _) =>
        {
            heartbeat(new ActivityProgress { BytesDone = 5, Doing = "copying" });
            await end.Task;
            return Plans.OutputOf(request);
        });

        var run = _rig.RunAsync(Plans.Short());
        await Poll.UntilAsync(() => ProgressBoard.Read(directory, "shop-a-b-1").TryGetValue("snapshot-1", out var at) && at is { BytesDone: 5, Doing: "copying" }, "the progress is there");
        end.SetResult();

        await run.Soon();
        Assert.Empty(ProgressBoard.Read(directory, "shop-a-b-1"));
    }

    public ValueTask DisposeAsync() => _rig.DisposeAsync();
}
