using System.Diagnostics;

namespace StatefulRelocate.Campaigns.Tests.Programs;

/// <summary>The program under test: that of the launcher (<c>RELOCATE_BIN</c>, a directory), else the development build beside these tests.</summary>
internal static class RelocateProgram
{
    public static string Path { get; } = Environment.GetEnvironmentVariable("RELOCATE_BIN") is { Length: > 0 } named
        ? System.IO.Path.Combine(named, "relocate")
        : Beside("StatefulRelocate.Cli", "relocate");

    /// <summary>The development build of another project, in the same configuration as these tests.</summary>
    public static string Beside(string project, string program)
    {
        var directory = AppContext.BaseDirectory.TrimEnd('/');
        return System.IO.Path.GetFullPath(System.IO.Path.Combine(directory, "..", "..", project, System.IO.Path.GetFileName(directory), program));
    }

    public static Process Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in (string[])["RELOCATE_STATE", "RELOCATE_CONFIG", "RELOCATE_PASSPHRASE"])
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Runs it to its end, which must come.</summary>
    public static async Task<ProgramResult> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var process = Start(program, arguments, environment);
        return await EndAsync(process);
    }

    /// <summary>What a started program left, at its end.</summary>
    public static async Task<ProgramResult> EndAsync(Process process)
    {
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(Campaign.Long ? 30 : 3));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{process.StartInfo.FileName} did not end\n{new ProgramResult(-1, await output, await errors)}");
        }

        return new ProgramResult(process.ExitCode, await output, await errors);
    }
}

/// <summary>What a program that ended left.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Errors)
{
    public override string ToString() => $"exit code {ExitCode}\n--- output\n{Output}\n--- errors\n{Errors}";
}
