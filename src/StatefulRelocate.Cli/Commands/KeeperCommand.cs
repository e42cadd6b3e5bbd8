using System.CommandLine;
using StatefulRelocate.Clusters.Local;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate keeper</c>: run by a local cluster beside each app, never by people, so help does not list it.</summary>
internal static class KeeperCommand
{
    public static Command Create(GlobalOptions globals)
    {
        _ = globals;
        var directory = new Option<string>("--app-directory") { Description = "The app's directory on its cluster.", HelpName = "DIR", Required = true };
        var command = new Command("keeper", "Keep the processes of one app of a local cluster.") { directory };
        command.Hidden = true;
        command.SetAction((parse, cancellationToken) => Keeper.RunAsync(parse.GetValue(directory)!, cancellationToken));
        return command;
    }
}
