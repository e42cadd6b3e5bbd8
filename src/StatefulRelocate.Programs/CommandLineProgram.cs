using System.CommandLine;
using System.CommandLine.Parsing;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Programs;

/// <summary>Runs a program's command line; whatever goes wrong becomes one line on standard error and an exit code.</summary>
public static class CommandLineProgram
{
    /// <summary>Parses and runs it.</summary>
    /// <param name="name">The program's name, as it is typed.</param>
    /// <param name="root">What it can do.</param>
    /// <param name="verbose">Whether errors are shown with all details.</param>
    /// <param name="args">The arguments.</param>
    /// <returns>The exit code, one of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string name, RootCommand root, Option<bool> verbose, string[] args)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (!OperatingSystem.IsLinux())
        {
            await Console.Error.WriteLineAsync($"{name}: this program runs on Linux only").ConfigureAwait(false);
            return ExitCode.BadInput;
        }

        var parse = root.Parse(args);
        try
        {
            if (parse.Errors.Count > 0)
            {
                await Console.Error.WriteLineAsync($"{name}: {Describe(name, parse)}").ConfigureAwait(false);
                return ExitCode.BadInput;
            }

            return await parse.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // No limit on what follows a Ctrl-C: the undoing of a relocation takes as long as it takes.
                ProcessTerminationTimeout = null,
            }).ConfigureAwait(false);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return ErrorReporter.Report(name, error, parse.GetValue(verbose));
        }
    }

    /// <summary>A word that fits nowhere is the cause; that a command is missing is only what follows from it.</summary>
    private static string Describe(string name, ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var path = PathOf(name, parse.CommandResult);
        if (parse.UnmatchedTokens is [var word, ..])
            return $"unknown {(word.StartsWith('-') ? "option" : command.Subcommands.Count > 0 ? "command" : "argument")} '{word}'; see '{path} --help'";
        return $"{parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.')}; see '{path} --help'";
    }

    /// <summary>The words that lead to a command, as they are typed.</summary>
    private static string PathOf(string name, SymbolResult result) => result switch
    {
        CommandResult { Parent: { } parent } command => $"{PathOf(name, parent)} {command.Command.Name}",
        _ => name,
    };
}
