using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace StatefulRelocate.Benchmarks.Processes;

/// <summary>A program to run and what surrounds it.</summary>
internal sealed record Invocation(string Program, IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string? Directory { get; init; }

    public override string ToString() => $"{Program} {string.Join(' ', Arguments)}";
}

/// <summary>Runs a program and measures it with wait4(2).</summary>
internal static partial class MeasuredProcess
{
    // A process started from this one would inherit this one's peak of memory (vfork keeps it across exec), and be told to have used it.
    // So a small shell forks the program, and ends; the program becomes a child of this process, which is made the reaper of orphans.
    // The shell waits for one line, so that its own start is not measured.
    private const string Gate = """read -r _ || exit; "$@" </dev/null >"$BENCH_OUT" 2>"$BENCH_ERR" & echo $!""";
    private const int ChildSubreaper = 36;
    private static int s_current;

    static MeasuredProcess()
    {
        if (Prctl(ChildSubreaper, 1, 0, 0, 0) != 0)
            throw new BenchmarkException("this kernel does not hand orphans over (prctl PR_SET_CHILD_SUBREAPER)");
        Console.CancelKeyPress += (_, _) => KillCurrent();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => KillCurrent();
    }

    /// <summary>Runs it to the end; an exit code other than 0 ends the benchmark with what it wrote.</summary>
    public static Measurement Run(Invocation invocation)
    {
        var (output, errors) = (Path.GetTempFileName(), Path.GetTempFileName());
        try
        {
            var start = new ProcessStartInfo("/bin/sh", ["-c", Gate, "gate", invocation.Program, .. invocation.Arguments])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                WorkingDirectory = invocation.Directory ?? "/",
            };
            foreach (var (name, value) in invocation.Environment)
                start.Environment[name] = value;
            (start.Environment["BENCH_OUT"], start.Environment["BENCH_ERR"]) = (output, errors);
            using var shell = Process.Start(start)!;
            var began = Stopwatch.GetTimestamp();
            shell.StandardInput.Write('\n');
            shell.StandardInput.Close();
            var id = int.Parse(shell.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
            shell.WaitForExit();
            s_current = id;
            var (status, usage) = Wait(id);
            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            s_current = 0;
            if (status != 0)
                throw new BenchmarkException($"{invocation}\nended with {((status & 0x7F) == 0 ? $"exit code {status >> 8}" : $"signal {status & 0x7F}")}\n{File.ReadAllText(output)}{File.ReadAllText(errors)}");
            return new Measurement(seconds, usage[0] + (usage[1] / 1e6), usage[2] + (usage[3] / 1e6), usage[4] * 1024, File.ReadAllText(output));
        }
        finally
        {
            File.Delete(output);
            File.Delete(errors);
        }
    }

    private static (int Status, long[] Usage) Wait(int id)
    {
        // struct rusage: two times of two words each, then ru_maxrss in KiB and thirteen more words.
        var usage = new long[18];
        while (true)
        {
            if (Wait4(id, out var status, 0, usage) == id)
                return (status, usage);
            if (Marshal.GetLastPInvokeError() != 4)
                throw new BenchmarkException($"cannot wait for process {id}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private static void KillCurrent()
    {
        if (s_current is > 0 and var id)
            _ = Kill(id, 9);
    }

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int Wait4(int process, out int status, int options, [Out] long[] usage);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
