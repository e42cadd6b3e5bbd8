using System.Diagnostics;
using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>Runs what reads hostile bytes, and says what is no proper answer: another exception than a clear one, a hang, a huge allocation.</summary>
internal static class Watched
{
    private const long MostBytes = 768L << 20;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    /// <summary>Null, or why the answer is no proper one.</summary>
    public static async Task<string?> RunAsync(Func<Task> read)
    {
        var (allocated, began) = (GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        try
        {
            await Task.Run(read).WaitAsync(s_longest);
        }
        catch (Exception error) when (IsClear(error))
        {
            // As it should be.
        }
        catch (TimeoutException)
        {
            return $"no end within {s_longest.TotalSeconds} s";
        }
        catch (Exception error)
        {
            return error.ToString();
        }

        allocated = GC.GetTotalAllocatedBytes() - allocated;
        return allocated <= MostBytes ? null : $"{allocated >> 20} MiB were allocated in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s";
    }

    /// <summary>One line that a user understands; a bare JSON or I/O error is not.</summary>
    public static bool IsClear(Exception error) => error is RelocateException or ObjectStoreException && error is not JsonException;
}
