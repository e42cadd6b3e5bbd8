using System.CommandLine;
using System.CommandLine.Parsing;
using StatefulRelocate.Cli.Commands;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli;

/// <summary>The entry point: builds the command tree, runs it, and turns errors into one line and an exit code.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (!OperatingSystem.IsLinux())
        {
            await Console.Error.WriteLineAsync("relocate: this program runs on Linux only");
            return ExitCode.BadInput;
        }

        var root = new RootCommand("Move a running stateful app from one cluster to another, with its data, without losing a write.");
        var globals = GlobalOptions.AddTo(root);
        foreach (var command in CommandTree.Create(globals))
            root.Subcommands.Add(command);

        var parse = root.Parse(args);
        try
        {
            if (parse.Errors.Count > 0)
            {
                await Console.Error.WriteLineAsync($"relocate: {Describe(parse)}");
                return ExitCode.BadInput;
            }

            return await parse.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // No limit on what follows a Ctrl-C: the undoing of a relocation takes as long as it takes.
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return ErrorReporter.Report(error, parse.GetValue(globals.Verbose));
        }
    }

    /// <summary>A word that fits nowhere is the cause; that a command is missing is only what follows from it.</summary>
    private static string Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var path = PathOf(parse.CommandResult);
        if (parse.UnmatchedTokens is [var word, ..])
            return $"unknown {(word.StartsWith('-') ? "option" : command.Subcommands.Count > 0 ? "command" : "argument")} '{word}'; see '{path} --help'";
        return $"{parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.')}; see '{path} --help'";
    }

    /// <summary>The words that lead to a command, as they are typed.</summary>
    private static string PathOf(SymbolResult result) => result switch
    {
        CommandResult { Parent: { } parent } command => $"{PathOf(parent)} {command.Command.Name}",
        _ => "relocate",
    };
}
