using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace ImageClient;

/// <summary>
/// Writes by the clock, whether earlier writes were answered or not, as many clients together do; so a request that hangs hides
/// nothing. A write that fails is tried again with the same id: at once by one of those that wait, and by all when one got through.
/// </summary>
internal sealed class WriteSchedule(ImageServerConnection server, ClientLog log, ClientOptions options)
{
    private static readonly TimeSpan ProbePause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongPause = TimeSpan.FromMilliseconds(250);

    // About two seconds without an answer: whoever is gone for so long is not measured in milliseconds.
    private const int ManyFailures = 400;
    private static readonly TimeSpan LongestLag = TimeSpan.FromSeconds(1);
    private readonly string run = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));
    private int failures;
    private int probing;
    private volatile TaskCompletionSource gotThrough = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task RunAsync(CancellationToken stop)
    {
        // A pinned client has one connection, and so one request at a time.
        var most = options.Pin ? 1 : (int)Math.Max(32, Math.Ceiling(options.Rate * 2));
        var pending = new List<Task>();
        var interval = TimeSpan.FromSeconds(1 / options.Rate);
        var due = Stopwatch.GetTimestamp();
        try
        {
            for (var number = 0; !stop.IsCancellationRequested;)
            {
                pending.RemoveAll(task => task.IsCompleted);
                if (pending.Count < most)
                    pending.Add(WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{run}-{number++:00000000}"), stop));
                due += (long)(interval.TotalSeconds * Stopwatch.Frequency);
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (wait < -LongestLag)
                    due = Stopwatch.GetTimestamp();
                else if (wait > TimeSpan.Zero)
                    await Task.Delay(wait, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }

        await Task.WhenAll(pending);
    }

    private async Task WriteAsync(string id, CancellationToken stop)
    {
        var picture = Picture.Draw(id);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(picture));
        try
        {
            while (!await TryWriteAsync(id, picture, sha256, stop))
                await PauseAsync(stop);
            await ReadBackAsync(id, sha256, stop);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop; what was not acknowledged does not count.
        }
    }

    private async Task<bool> TryWriteAsync(string id, byte[] picture, string sha256, CancellationToken stop)
    {
        try
        {
            var (cluster, at) = await server.WriteAsync(id, picture, sha256, stop);
            log.Acknowledged(id, sha256, cluster, at);
            Volatile.Write(ref failures, 0);
            Interlocked.Exchange(ref gotThrough, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            return true;
        }
        catch (RequestFailedException error)
        {
            log.Failed(id, error.Message);
            Interlocked.Increment(ref failures);
            return false;
        }
    }

    // One of all that wait tries every few milliseconds; were they all to, they would measure themselves.
    private async Task PauseAsync(CancellationToken stop)
    {
        var restored = gotThrough.Task;
        if (Interlocked.Exchange(ref probing, 1) == 0)
        {
            try
            {
                await Task.Delay(Volatile.Read(ref failures) < ManyFailures ? ProbePause : LongPause, stop);
            }
            finally
            {
                Volatile.Write(ref probing, 0);
            }
        }
        else
        {
            await Task.WhenAny(restored, Task.Delay(LongPause, stop));
            stop.ThrowIfCancellationRequested();
        }
    }

    private async Task ReadBackAsync(string id, string sha256, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                var found = await server.ReadAsync(id, stop);
                if (found != sha256)
                    log.Mismatched(id, found is null ? "read back: not there" : "read back: other bytes");
                return;
            }
            catch (RequestFailedException error)
            {
                log.Failed(id, $"read back: {error.Message}");
            }

            await PauseAsync(stop);
        }
    }
}
