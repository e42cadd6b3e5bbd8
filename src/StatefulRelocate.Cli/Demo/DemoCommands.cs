using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Demo;

/// <summary>Runs the same commands that a user would type, as processes of their own.</summary>
internal sealed class DemoCommands(DemoSandbox sandbox, DemoPrograms programs)
{
    /// <summary>Runs one to its end and returns what it printed.</summary>
    /// <exception cref="RelocateException">It failed; the message is its own.</exception>
    public async Task<string> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var child = Start(arguments, "commands");
        try
        {
            var (exitCode, output) = await child.WaitAsync(cancellationToken);
            if (exitCode == ExitCode.Completed)
                return output;
            var reason = child.LastError?.Replace("relocate: ", "", StringComparison.Ordinal) ?? $"ended with exit code {exitCode} and without a word";
            throw new RelocateException($"relocate {string.Join(' ', arguments)}: {reason}", exitCode is > 0 and <= ExitCode.Damage ? exitCode : ExitCode.OurError);
        }
        catch (OperationCanceledException)
        {
            await child.StopAsync(TimeSpan.FromSeconds(1));
            throw;
        }
    }

    /// <summary>Starts one.</summary>
    /// <param name="arguments">What follows <c>relocate</c>.</param>
    /// <param name="log">The log's name.</param>
    public ChildProcess Start(IReadOnlyList<string> arguments, string log) =>
        ChildProcess.Start([.. programs.Relocate, .. arguments], sandbox.Environment, sandbox.Log(log));
}
