using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Running;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>
/// How long an operation takes at the least on this machine: the time in which the disk and the page cache alone move the bytes that it has to read, and to write
/// durably. Nothing is counted for the processor, and nothing for the making of files.
/// </summary>
internal static class LeastTime
{
    /// <summary>In seconds, with the repository in a directory of the same disk; null where it says nothing.</summary>
    public static double? Of(BenchmarkResult result, string set, string place, string operation)
    {
        if (result.Limits is not { Disk: { Cold: { } cold } disk } limits || !result.Sets.TryGetValue(set, out var data))
            return null;
        var work = data.Work;
        double Stored(string of) => result.Median(set, place, RelocateEngine.Ours, of, s => s.StoredBytes) ?? 0;
        double InPlace() => work.ChangedBytes / (work.ChangesPages ? disk.Pages : disk.Write);
        double Warm() => Math.Max(work.TouchedBytes / limits.PageCache, Stored(Operations.DeltaWarm) / disk.Write);
        double Moved(double read, double written) => Math.Max(Math.Max(read / cold.Read, written / disk.Write), (read + written) / cold.Together);
        return operation switch
        {
            Operations.First => Moved(work.Bytes, Stored(Operations.First)),
            Operations.DeltaCold => Moved(work.TouchedBytes, Stored(Operations.DeltaCold)),
            Operations.DeltaWarm => Warm(),
            Operations.FullRestore => Moved(Stored(Operations.First), work.Bytes),
            Operations.InPlace => InPlace(),
            Operations.FinalRound => Warm() + InPlace(),
            _ => null,
        };
    }
}
