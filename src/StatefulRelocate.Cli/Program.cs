using System.CommandLine;
using StatefulRelocate.Cli.Commands;

namespace StatefulRelocate.Cli;

/// <summary>The entry point: builds the command tree and runs it.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        var root = new RootCommand("Move a running stateful app from one cluster to another, with its data, without losing a write.");
        var globals = GlobalOptions.AddTo(root);
        foreach (var command in CommandTree.Create(globals))
            root.Subcommands.Add(command);
        return CommandLineProgram.RunAsync("relocate", root, globals.Verbose, args);
    }
}
