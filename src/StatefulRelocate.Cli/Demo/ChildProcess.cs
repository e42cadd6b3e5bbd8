using System.Diagnostics;
using System.Text;

namespace StatefulRelocate.Cli.Demo;

/// <summary>
/// A process of the demo in a session of its own, so that Ctrl-C at the terminal reaches the demo alone, which decides what to tell whom.
/// Its output goes to a log file and its last line of error is kept.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private const string Setsid = "/usr/bin/setsid";
    private readonly Process _process;
    private readonly Task _output;
    private readonly Task _errors;
    private readonly StringBuilder _standardOutput = new();
    private volatile string? _lastError;

    private ChildProcess(Process process, StreamWriter log)
    {
        _process = process;
        _output = PumpAsync(process.StandardOutput, log, line => _standardOutput.AppendLine(line));
        _errors = PumpAsync(process.StandardError, log, line => _lastError = line);
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The last line on standard error so far.</summary>
    public string? LastError => _lastError;

    public static ChildProcess Start(IEnumerable<string> command, IReadOnlyDictionary<string, string> environment, string logPath)
    {
        var words = command.ToList();
        if (File.Exists(Setsid))
            words.Insert(0, Setsid);
        var start = new ProcessStartInfo(words[0], words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var log = new StreamWriter(new FileStream(logPath, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new ChildProcess(process, log);
    }

    /// <summary>Waits for its end and for what it wrote. A process of its own that it left behind may hold the pipes: not waited for.</summary>
    public async Task<(int ExitCode, string Output)> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        await Task.WhenAny(Task.WhenAll(_output, _errors), Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None));
        lock (_standardOutput)
            return (_process.ExitCode, _standardOutput.ToString());
    }

    /// <summary>Asks it to end, and kills it when it does not.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (_process.HasExited)
            return;
        Signals.Send(_process.Id, Signals.Terminate);
        using var patience = new CancellationTokenSource(grace);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task PumpAsync(StreamReader reader, StreamWriter log, Action<string> seen)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_standardOutput)
                {
                    seen(line);
                    log.WriteLine(line);
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The pipe went with the process.
        }
    }
}
