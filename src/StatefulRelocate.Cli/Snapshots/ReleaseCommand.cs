using System.CommandLine;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot release</c>.</summary>
internal static class ReleaseCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("DIR") { Description = "The directory." };
        var command = new Command("release", "Remove the reflinks that --changed-ranges keeps in a directory; the next snapshot reads every file that changed.") { directory };
        command.SetAction((parse, _) => RepoCommands.GuardedAsync(() =>
        {
            var path = SnapshotCommands.Existing(parse.GetValue(directory)!);
            Console.WriteLine(ReservedDirectory.Remove(path) ? $"{path}/{ReservedDirectory.Name} is removed" : $"{path} holds no reflinks");
            return Task.FromResult(ExitCode.Completed);
        }));
        return command;
    }
}
