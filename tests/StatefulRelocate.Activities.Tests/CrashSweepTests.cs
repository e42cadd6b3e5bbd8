using StatefulRelocate.Activities.Tests.Doubles;
using StatefulRelocate.Activities.Tests.Moves;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Tests;

/// <summary>The agents die at every call to the store or the cluster, before it and after it; then the engine undoes, or tries again.</summary>
public sealed class CrashSweepTests
{
    private const int MoreThanAnyStepPasses = 400;

    public static TheoryData<string> StepsThatAct =>
        ["lease", "prepare-source", "prepare-target", "snapshot-1", "restore-1", "quiesce", "fence", "final-snapshot", "final-restore", "verify", "start"];

    [Theory]
    [MemberData(nameof(StepsThatAct))]
    public async Task An_undo_after_a_crash_at_any_boundary_of_its_do_restores_the_world(string step)
        => await SweepAsync(
            move => move.ReachAsync(step),
            move => move.DoAsync(step),
            async (move, where) =>
            {
                await move.UndoAllAsync();
                await move.AssertRestoredAsync(where);
            });

    [Theory]
    [InlineData("lease")]
    [InlineData("prepare-target")]
    [InlineData("quiesce")]
    [InlineData("fence")]
    [InlineData("start")]
    [InlineData("dns-switch")]
    [InlineData("retire")]
    [InlineData("release-lease")]
    public async Task A_retry_after_a_crash_at_any_boundary_completes_the_move(string step)
        => await SweepAsync(
            move => move.ReachAsync(step),
            move => move.DoAsync(step),
            async (move, where) =>
            {
                await move.SendAsync(move.Request(step, StepDirection.Do));
                await move.CompleteAsync();
                Assert.True(move.World.Violations.Count == 0, where);
                Assert.True(move.B.State(Move.App) is AppRunState.Running, where);
                Assert.Equal("edge-b", (await move.RecordAsync())!.Writer);
            });

    [Theory]
    [InlineData("start")]
    [InlineData("fence")]
    [InlineData("quiesce")]
    [InlineData("prepare-target")]
    [InlineData("prepare-source")]
    [InlineData("lease")]
    public async Task An_undo_after_a_crash_of_that_undo_restores_the_world(string step)
    {
        string[] order = ["start", "fence", "quiesce", "prepare-target", "prepare-source", "lease"];
        await SweepAsync(
            async move =>
            {
                await move.ReachAsync("ready");
                foreach (var before in order.TakeWhile(before => before != step))
                    await move.UndoAsync(before);
            },
            move => move.UndoAsync(step),
            async (move, where) =>
            {
                foreach (var left in order.SkipWhile(left => left != step))
                    await move.UndoAsync(left);
                await move.AssertRestoredAsync(where);
            });
    }

    private static async Task SweepAsync(Func<Move, Task> arrange, Func<Move, Task> act, Func<Move, string, Task> assert)
    {
        for (var boundary = 0; boundary < MoreThanAnyStepPasses; boundary++)
        {
            await using var move = await Move.StartAsync();
            await arrange(move);
            move.Crashes.ArmAt(boundary);
            try
            {
                await act(move);
            }
            catch (SimulatedCrash)
            {
            }

            if (!move.Crashes.Happened)
                return;
            var where = $"boundary {boundary}, {move.Crashes.Where}";
            move.RestartAgents();
            try
            {
                await assert(move, where);
            }
            catch (ActivityException failure)
            {
                Assert.Fail($"{where}: {failure.Failure.Code}: {failure.Message}");
            }
        }

        Assert.Fail("the step never ended without a crash");
    }
}
