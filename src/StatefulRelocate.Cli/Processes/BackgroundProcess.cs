using System.ComponentModel;
using System.Runtime.InteropServices;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Processes;

/// <summary>
/// A process of our own that outlives the terminal: its own session, no standard input, output to a log file, no descriptor of the starter.
/// </summary>
internal sealed partial class BackgroundProcess
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);
    private readonly string logFile;
    private readonly long logStart;
    private int? exitCode;

    private BackgroundProcess(int id, string logFile, long logStart)
    {
        Id = id;
        this.logFile = logFile;
        this.logStart = logStart;
    }

    /// <summary>The process id.</summary>
    public int Id { get; }

    /// <summary>The command that starts this program again: the executable, or <c>dotnet</c> with the assembly.</summary>
    public static IReadOnlyList<string> Self()
    {
        var executable = Environment.ProcessPath ?? throw new InvalidOperationException("the path of this program is unknown");
        return Path.GetFileNameWithoutExtension(executable) == "dotnet"
            ? [executable, Path.GetFullPath(Environment.GetCommandLineArgs()[0])]
            : [executable];
    }

    /// <summary>Starts this program again with <paramref name="arguments"/>, detached; standard output and error are appended to the log.</summary>
    public static BackgroundProcess StartSelf(IEnumerable<string> arguments, string logFile) => Start([.. Self(), .. arguments], logFile);

    /// <summary>Starts <paramref name="command"/> (an absolute path and its arguments), detached, with this process's environment.</summary>
    /// <param name="command">The command.</param>
    /// <param name="logFile">Where its output is appended.</param>
    /// <param name="variables">What differs in its environment. Default: nothing.</param>
    /// <exception cref="RelocateException">It could not be started.</exception>
    public static BackgroundProcess Start(IReadOnlyList<string> command, string logFile, IReadOnlyDictionary<string, string>? variables = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        var logStart = File.Exists(logFile) ? new FileInfo(logFile).Length : 0;
        try
        {
            return new BackgroundProcess(DetachedSpawn.Run(command, logFile, variables ?? new Dictionary<string, string>()), logFile, logStart);
        }
        catch (Win32Exception error)
        {
            throw new RelocateException($"{command[0]}: cannot be started in the background: {error.Message}", ExitCode.OurError, error);
        }
    }

    /// <summary>Waits until <paramref name="ready"/> says so.</summary>
    /// <exception cref="RelocateException">
    /// It ended before (then with its own last line and exit code), or the limit passed (then it was killed).
    /// </exception>
    public async Task WaitUntilAsync(Func<CancellationToken, Task<bool>> ready, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ready);
        ArgumentNullException.ThrowIfNull(time);
        var started = time.GetTimestamp();
        while (!await ready(cancellationToken))
        {
            if (HasEnded())
                throw new RelocateException(LastLine() ?? $"the background process ended at once; see {logFile}", exitCode is > 0 and <= 6 ? exitCode.Value : ExitCode.OurError);
            if (time.GetElapsedTime(started) > limit)
            {
                _ = Kill(Id, SignalKill);
                throw new RelocateException($"the background process did not answer within {limit.TotalSeconds:0} s and was stopped; see {logFile}", ExitCode.OurError);
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    /// <summary>Whether it has ended; only the process that started it can tell.</summary>
    public bool HasEnded()
    {
        if (exitCode is not null)
            return true;
        if (WaitPid(Id, out var status, NoHang) != Id)
            return false;
        exitCode = (status & 0x7f) == 0 ? (status >> 8) & 0xff : ExitCode.OurError;
        return true;
    }

    private string? LastLine()
    {
        try
        {
            using var log = new FileStream(logFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            log.Seek(logStart, SeekOrigin.Begin);
            using var reader = new StreamReader(log);
            var lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            // Our own programs begin their one line so; whatever else stands there is for the log.
            const string Prefix = "relocate: ";
            var line = Array.FindLast(lines, candidate => candidate.StartsWith(Prefix, StringComparison.Ordinal));
            return line?[Prefix.Length..] ?? (lines.Length > 0 ? lines[^1] : null);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private const int NoHang = 1;
    private const int SignalKill = 9;

    [LibraryImport("libc", EntryPoint = "waitpid")]
    private static partial int WaitPid(int pid, out int status, int options);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
