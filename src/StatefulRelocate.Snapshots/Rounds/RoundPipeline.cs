using System.Threading.Channels;
using StatefulRelocate.Snapshots.Journals;
using StatefulRelocate.Snapshots.Memory;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>
/// Runs a round's planner, workers and sequencer side by side: the planner in path order, the workers in any order, the sequencer in path
/// order again behind them. What lies between is bounded, so that memory does not grow with the volume.
/// </summary>
internal sealed class RoundPipeline(RoundContext round, RoundSequencer sequencer)
{
    /// <summary>Names between planner and sequencer.</summary>
    private const int MaxItems = 1024;

    /// <summary>Bytes of files that are being read, or read ahead into the page cache.</summary>
    private const long Window = 64L << 20;

    /// <summary>The planner and what it lists ahead, the sequencer, and uploads, which block where the store is a directory.</summary>
    private const int OtherThreads = 6 + SubdirectoriesAhead.Threads;

    /// <summary>How many read and compress: two for each processor, half of them waiting for the disk.</summary>
    public static int Workers => Math.Clamp(Environment.ProcessorCount * 2, 2, 16);

    public async Task RunAsync(IReadOnlyList<OpenDirectory> roots, JournalReader? journal, ChunkFile? oldChunks, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var items = Channel.CreateBounded<RoundItem>(new BoundedChannelOptions(MaxItems) { SingleReader = true, SingleWriter = true });
        var parts = Channel.CreateUnbounded<PlannedPart>(new UnboundedChannelOptions { SingleWriter = true });
        var workers = Enumerable.Range(0, Workers).Select(_ => new RoundWorker(round)).ToList();
        Exception? failure = null;
        try
        {
            KeepThreads(workers.Count + OtherThreads);
            var window = new MemoryBudget(Window);
            var planner = new RoundPlanner(round, journal, oldChunks, items.Writer, parts.Writer, window);
            List<Task> running =
            [
                GuardAsync(async () =>
                {
                    await planner.RunAsync(roots, ending.Token).ConfigureAwait(false);
                    items.Writer.Complete();
                    parts.Writer.Complete();
                }),
                GuardAsync(() => sequencer.RunAsync(items.Reader, ending.Token)),
                .. workers.Select(worker => GuardAsync(() => worker.RunAsync(parts.Reader, window, ending.Token))),
            ];
            await Task.WhenAll(running).ConfigureAwait(false);
            if (failure is not null)
                await round.Packs.DrainAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            while (parts.Reader.TryRead(out var part))
                part.Job.Close();
            workers.ForEach(w => w.Dispose());
        }

        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);

        // The first error ends all the others; what they then say is its echo.
        async Task GuardAsync(Func<Task> act)
        {
            try
            {
                await Task.Run(act, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                _ = Interlocked.CompareExchange(ref failure, error, null);
                await ending.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Reading blocks its thread, and the pool grows by one or two a second only.</summary>
    private static void KeepThreads(int wanted)
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        if (workers < wanted)
            _ = ThreadPool.SetMinThreads(wanted, completions);
    }
}
