using System.Diagnostics;
using System.Runtime.InteropServices;

namespace StatefulRelocate.EndToEnd.Tests.Programs;

/// <summary>The program under test: that of the launcher (<c>RELOCATE_BIN</c>, a directory), else the development build beside these tests.</summary>
internal static class RelocateProgram
{
    private const string Variable = "RELOCATE_BIN";

    public static string Path { get; } = PathOf("relocate");

    /// <summary>Whether the long campaigns were asked for.</summary>
    public static bool Long => Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1";

    public static RunningProgram Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) => Start("relocate", arguments, environment);

    /// <param name="program"><c>relocate</c>, <c>relocate-server</c> or <c>relocate-agent</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables beside the inherited ones.</param>
    public static RunningProgram Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(PathOf(program), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in (string[])["RELOCATE_STATE", "RELOCATE_CONFIG", "RELOCATE_PASSPHRASE", "RELOCATE_ENGINE", "TEMPORAL_ADDRESS"])
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new RunningProgram(process);
    }

    public static async Task<ProgramResult> RunAsync(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var running = Start(arguments, environment);
        return await running.WaitAsync(TimeSpan.FromMinutes(4));
    }

    private static string PathOf(string program)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return System.IO.Path.Combine(named, program);
        var project = program switch
        {
            "relocate-server" => "StatefulRelocate.Server",
            "relocate-agent" => "StatefulRelocate.Agent",
            _ => "StatefulRelocate.Cli",
        };
        var directory = AppContext.BaseDirectory.TrimEnd('/');
        var configuration = System.IO.Path.GetFileName(directory);
        return System.IO.Path.GetFullPath(System.IO.Path.Combine(directory, "..", "..", project, configuration, program));
    }
}

/// <summary>What a program that ended left.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Errors)
{
    /// <summary>Bad input: one line that names it, and nothing else.</summary>
    public void MustBeOneLine(string named)
    {
        Assert.True(ExitCode == 2, ToString());
        Assert.StartsWith("relocate: ", Assert.Single(Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Contains(named, Errors, StringComparison.Ordinal);
        Assert.Empty(Output);
    }

    public override string ToString() => $"exit code {ExitCode}\n--- output\n{Output}\n--- errors\n{Errors}";
}

/// <summary>A program that runs.</summary>
internal sealed partial class RunningProgram : IDisposable
{
    private const int InterruptSignal = 2, TerminateSignal = 15;

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    public RunningProgram(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public void Kill() => _process.Kill();

    /// <summary>Ctrl-C.</summary>
    public void Interrupt() => Send(_process.Id, InterruptSignal);

    /// <summary>What a service manager does first.</summary>
    public void Terminate() => Send(_process.Id, TerminateSignal);

    public async Task<ProgramResult> WaitAsync(TimeSpan limit)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(limit);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"relocate did not end within {limit.TotalSeconds:0} s\n{new ProgramResult(-1, await _output, await _errors)}");
        }

        return new ProgramResult(_process.ExitCode, await _output, await _errors);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);

    private static void Send(int processId, int signal) => _ = SendSignal(processId, signal);
}
