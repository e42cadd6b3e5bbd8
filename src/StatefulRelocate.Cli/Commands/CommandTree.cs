using System.CommandLine;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Cli.Snapshots;

namespace StatefulRelocate.Cli.Commands;

/// <summary>All commands, in the order in which help lists them. Each group has its own file.</summary>
internal static class CommandTree
{
    public static IEnumerable<Command> Create(GlobalOptions globals)
    {
        var engine = new EngineOption(globals);
        yield return DemoCommand.Create(globals, engine);
        foreach (var command in RunCommands.Create(globals, engine))
            yield return command;
        foreach (var command in StatusCommands.Create(engine))
            yield return command;
        foreach (var command in SignalCommands.Create(globals, engine))
            yield return command;
        yield return ClusterCommands.Create(globals);
        yield return AppCommands.Create(globals);
        yield return DnsCommands.Create(globals);
        yield return LeaseCommands.Create(globals);
        yield return CompletionCommand.Create();
        yield return RepoCommands.Create(globals);
        yield return SnapshotCommands.Create(globals);
        yield return KeeperCommand.Create(globals);
    }
}
