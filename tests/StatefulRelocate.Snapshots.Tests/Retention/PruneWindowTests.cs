using StatefulRelocate.Core.Errors;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Retention;

/// <summary>Writers that begin and end between two looks of one prune, on top of a snapshot that none of its looks shows.</summary>
public sealed class PruneWindowTests : IDisposable
{
    private static readonly PruneRequest s_atOnce = new() { Grace = TimeSpan.Zero };
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task What_is_sealed_upon_a_forgotten_snapshot_after_the_last_list_keeps_its_blocks()
    {
        await PruneWhileThreeIsSealedAsync();
        await CheckAndRestoreAsync("three");
    }

    [Fact]
    public async Task Where_snapshots_are_sealed_all_the_time_another_list_lets_the_same_prune_decide()
    {
        Write("nobody needs it", 7);
        await _workspace.TakeAsync("zero");
        File.Delete(Path.Combine(_workspace.Source, "nobody needs it"));
        await ForgetAsync("zero");

        var outcome = await PruneWhileThreeIsSealedAsync();

        Assert.Empty(outcome.Waiting);
        Assert.True(outcome.Deleted > 0, "nothing was deleted");
        await CheckAndRestoreAsync("three");
    }

    [Fact]
    public async Task A_writer_that_begins_after_the_writers_were_listed_keeps_what_it_inherits()
    {
        var two = await CondemnBelowAsync("two");
        var lists = 0;
        (Task Taking, HeldStore Held)? three = null;
        await PruneAsync(async prefix =>
        {
            if (prefix == "snapshots/" && ++lists == 2)
            {
                two.Held.Release();
                await two.Taking;
            }
            else if (prefix == "writers/" && lists == 2 && three is null)
            {
                three = await BeginAsync("three", "two");
                await ForgetAsync("two");
            }
        });
        three!.Value.Held.Release();
        await three.Value.Taking;
        await CheckAndRestoreAsync("three");
    }

    [Fact]
    public async Task A_prune_whose_place_was_taken_deletes_no_pack_that_the_other_carries_over()
    {
        for (var i = 0; i < 9; i++)
        {
            Write("file", i);
            await _workspace.TakeAsync($"s-{i}");
        }

        for (var i = 0; i < 9; i++)
            await ForgetAsync($"s-{i}");

        // The later one looks at the marks before the earlier one's verdict, and puts its index object after the earlier one has listed those.
        TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously), listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var (lists, laterLists) = (0, 0);
        Task? later = null;
        try
        {
            await PruneAsync(async prefix =>
            {
                if (prefix == "snapshots/" && ++lists == 3)
                {
                    later = Task.Run(() => PruneAsync(async laterPrefix =>
                    {
                        if (laterPrefix != "snapshots/" || ++laterLists != 3)
                            return;
                        looked.SetResult();
                        await listed.Task;
                    }, new PruneRequest()));
                    await looked.Task;
                }
                else if (prefix == "index/" && later is { IsCompleted: false })
                {
                    listed.SetResult();
                    await later;
                }
            });
        }
        catch (RelocateException error)
        {
            Assert.Contains("run it again", error.Message, StringComparison.Ordinal);
        }

        listed.TrySetResult();
        await later!;
        Directory.Delete(_workspace.SourceJournal, recursive: true);
        await new Snapshotter(await _workspace.ReopenAsync(), TimeProvider.System).TakeAsync(_workspace.Request("again"), null, Workspace.Cancellation);
        await CheckAndRestoreAsync("again");
    }

    public void Dispose() => _workspace.Dispose();

    /// <summary>A snapshot that relies on blocks that are condemned while it is being taken; it is about to be sealed.</summary>
    private async Task<(Task Taking, HeldStore Held)> CondemnBelowAsync(string id)
    {
        Write("file", 1);
        await _workspace.TakeAsync("one");
        Directory.Delete(_workspace.SourceJournal, recursive: true);
        var maps = Files("maps");
        var writing = await BeginAsync(id, null);
        await UntilAsync(() => Files("maps") > maps);
        await ForgetAsync("one");
        Assert.Equal(0, (await PruneAsync(_ => Task.CompletedTask)).Deleted);
        return writing;
    }

    /// <summary>A prune; <c>three</c>, taken upon <c>two</c>, which is forgotten, is sealed right after its third list of snapshots.</summary>
    private async Task<PruneOutcome> PruneWhileThreeIsSealedAsync()
    {
        var two = await CondemnBelowAsync("two");
        two.Held.Release();
        await two.Taking;
        var three = await BeginAsync("three", "two");
        await ForgetAsync("two");
        var lists = 0;
        var outcome = await PruneAsync(async prefix =>
        {
            if (prefix != "snapshots/" || ++lists != 3)
                return;
            three.Held.Release();
            await three.Taking;
        });
        Assert.True(lists >= 3);
        return outcome;
    }

    /// <summary>A snapshot that cannot be sealed before it is released; it has looked whether its parent stands.</summary>
    private async Task<(Task Taking, HeldStore Held)> BeginAsync(string id, string? parent)
    {
        await _workspace.RepositoryAsync();
        var held = new HeldStore(DirectoryObjectStore.Open(_workspace.Store), "snapshots/" + id);
        var repository = await Repository.OpenAsync(held, RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation);
        var taking = Task.Run(() => new Snapshotter(repository, TimeProvider.System).TakeAsync(_workspace.Request(id), null, Workspace.Cancellation));
        await UntilAsync(() => parent is null || held.Read.Contains("snapshots/" + parent));
        return (taking, held);
    }

    private async Task<PruneOutcome> PruneAsync(Func<string, Task> afterList, PruneRequest? request = null)
    {
        var store = new WatchedStore(DirectoryObjectStore.Open(_workspace.Store), afterList);
        return await new Pruner(await Repository.OpenAsync(store, RepositoryKey.FromKeyFile(_workspace.KeyFile), Workspace.Cancellation)).RunAsync(request ?? s_atOnce, null, Workspace.Cancellation);
    }

    private async Task ForgetAsync(string id)
    {
        var forgetting = new SnapshotForgetting(await _workspace.RepositoryAsync());
        await forgetting.ForgetAsync(await forgetting.PlanAsync([id], default), default);
    }

    private async Task CheckAndRestoreAsync(string id)
    {
        Assert.Empty((await new RepositoryChecker(await _workspace.ReopenAsync()).CheckAsync(true, Workspace.Cancellation)).Problems);
        await _workspace.RestoreAsync(id);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(5, Workspace.Cancellation);
    }

    private int Files(string kind) => Directory.GetFiles(Path.Combine(_workspace.Store, kind)).Length;

    private void Write(string name, int seed)
    {
        var content = new byte[400_000];
        new Random(seed).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_workspace.Source, name), content);
    }

    /// <summary>A store in which something happens when a list has been read to its end.</summary>
    private sealed class WatchedStore(IObjectStore store, Func<string, Task> afterList) : PassingStore(store)
    {
        public override async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var found in base.ListAsync(prefix, cancellationToken))
                yield return found;
            await afterList(prefix);
        }
    }
}
