using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Memory;

public sealed class MemoryBudgetTests
{
    [Fact]
    public async Task Whoever_finds_too_little_waits_for_his_turn()
    {
        var budget = new MemoryBudget(100);
        await budget.TakeAsync(60, Workspace.Cancellation);
        var large = budget.TakeAsync(50, Workspace.Cancellation).AsTask();
        var small = budget.TakeAsync(10, Workspace.Cancellation).AsTask();
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);
        budget.Release(60);
        await large;
        await small;
        Assert.Equal(60, budget.Taken);
        Assert.Equal(60, budget.Peak);
    }

    [Fact]
    public async Task A_wish_larger_than_everything_is_granted_alone()
    {
        var budget = new MemoryBudget(100);
        await budget.TakeAsync(1, Workspace.Cancellation);
        var huge = budget.TakeAsync(1000, Workspace.Cancellation).AsTask();
        Assert.False(huge.IsCompleted);
        budget.Release(1);
        await huge;
        budget.Release(1000);
        Assert.Equal(0, budget.Taken);
    }

    [Fact]
    public async Task Whoever_gives_up_lets_the_next_one_pass()
    {
        var budget = new MemoryBudget(100);
        await budget.TakeAsync(60, Workspace.Cancellation);
        using var cancel = new CancellationTokenSource();
        var large = budget.TakeAsync(50, cancel.Token).AsTask();
        var small = budget.TakeAsync(40, Workspace.Cancellation).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        await small;
        Assert.Equal(100, budget.Taken);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Many_at_once_never_take_more_than_there_is(int seed)
    {
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var budget = new MemoryBudget(100);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed * 100 + worker);
            for (var i = 0; i < 200; i++)
            {
                var bytes = random.Next(1, 60);
                await budget.TakeAsync(bytes, Workspace.Cancellation);
                await Task.Yield();
                budget.Release(bytes);
            }
        })));
        Assert.Equal(0, budget.Taken);
        Assert.InRange(budget.Peak, 1, 100);
    }
}
