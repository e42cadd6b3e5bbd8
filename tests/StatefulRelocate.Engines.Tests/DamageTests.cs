using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>What an engine does with a relocation, or a journal, that it cannot go on with.</summary>
public sealed class DamageTests : IAsyncDisposable
{
    private readonly EngineRig _rig = new();

    [Fact]
    public async Task A_damaged_relocation_halts_alone_and_says_why()
    {
        _rig.Journal.Create(Plans.Short("damaged"));
        _rig.Journal.Append("damaged", 0, [new StepStarted("teleport", StepDirection.Do, 1) { At = default }]);
        _rig.Journal.Create(Plans.Short("newer") with { MachineVersion = SagaMachine.CurrentVersion + 1 });
        _rig.Journal.Create(Plans.Short("garbled"));
        Sql("UPDATE relocations SET plan = '{}' WHERE id = 'garbled'");

        _rig.Journal.Create(Plans.Short());

        // One that goes on: an engine that only waits for the sound one may leave before the damaged one is found out.
        var stop = _rig.Start();
        await _rig.EndedAsync();
        foreach (var id in new[] { "damaged", "newer" })
            await Poll.UntilAsync(() => _rig.Journal.Find(id)!.Halted is not null, $"{id} halts");
        await stop();

        Assert.Equal(RelocationOutcome.Completed, _rig.State().Outcome);
        Assert.Contains("'teleport'", _rig.Journal.Find("damaged")!.Halted, StringComparison.Ordinal);
        Assert.Contains("newer program", _rig.Journal.Find("newer")!.Halted, StringComparison.Ordinal);
        Assert.Null(_rig.Journal.Find("shop-a-b-1")!.Halted);
        foreach (var id in new[] { "damaged", "newer", "garbled" })
        {
            var error = await Assert.ThrowsAnyAsync<RelocateException>(() => new EmbeddedEngine(_rig.Journal, _rig.Agents, _rig.Options).RunUntilSettledAsync(id, TestContext.Current.CancellationToken).Soon());
            Assert.Contains(id, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public async Task An_error_in_one_relocation_stops_what_it_does_and_nothing_that_others_do()
    {
        // Damaged in the middle of its run, by hand.
        var held = _rig.Agents.Hold("quiesce");
        _rig.Journal.Create(Plans.Short("damaged"));
        _rig.Journal.Create(Plans.Short());
        _rig.Start();
        await _rig.DispatchedAsync("quiesce", 2);

        _rig.Journal.Append("damaged", _rig.Events("damaged").Length, [new StepStarted("teleport", StepDirection.Do, 99) { At = default }]);
        await Poll.UntilAsync(() => _rig.Journal.Find("damaged")!.Halted is not null, "it halts");
        held.SetResult(new StepOutput());

        await _rig.EndedAsync();
        Assert.Equal(RelocationOutcome.Completed, _rig.State().Outcome);
        Assert.DoesNotContain(_rig.Agents.Requests, request => request is { RelocationId: "damaged", Step: "start" });
    }

    [Fact]
    public async Task What_halted_is_tried_again_by_the_next_engine()
    {
        _rig.Journal.Create(Plans.Short());
        _rig.Journal.Halt("shop-a-b-1", "the program that knew too little");

        Assert.Equal(RelocationOutcome.Completed, (await _rig.RunAsync()).Outcome);
        Assert.Null(_rig.Journal.Find("shop-a-b-1")!.Halted);
    }

    [Fact]
    public async Task A_journal_that_cannot_be_written_any_more_ends_the_engine_in_one_line()
    {
        _rig.Journal.Create(Plans.Short());
        _rig.Agents.On("quiesce", (_, _, _) =>
        {
            Sql("DROP TABLE events");
            return Task.FromResult(new StepOutput());
        });

        var error = await Assert.ThrowsAsync<JournalException>(() => new EmbeddedEngine(_rig.Journal, _rig.Agents, _rig.Options).RunAsync(TestContext.Current.CancellationToken).Soon());

        Assert.Contains("the journal cannot be read or written", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("start", _rig.Agents.Requests.Names());
    }

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    private void Sql(string sql) => JournalFile.Execute(_rig.JournalPath, sql);
}
