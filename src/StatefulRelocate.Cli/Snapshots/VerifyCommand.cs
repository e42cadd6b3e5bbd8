using System.CommandLine;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot verify</c>.</summary>
internal static class VerifyCommand
{
    public static Command Create(GlobalOptions globals)
    {
        var (id, app, json) = (SnapshotCommands.Id(), SnapshotCommands.App(), SnapshotCommands.Json());
        var directory = new Argument<string>("DIR") { Description = "A restored directory." };
        var command = new Command("verify", "Compare a restored directory with its snapshot. Exit code 6 when it differs.") { id, directory, app, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var (repository, manifest) = await SnapshotLookup.GetAsync(await options.OpenAsync(parse, cancellationToken), parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
            var path = SnapshotCommands.Existing(parse.GetValue(directory)!);
            TreeVerified verified;
            await using (var progress = TransferProgress.Start("verifying", parse.GetValue(json)))
            {
                verified = await new Restorer(repository, TimeProvider.System).VerifyAsync(new VerifyRequest
                {
                    SnapshotId = manifest.Id,
                    Volumes = SnapshotCommands.Volumes(manifest, path),
                    JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path),
                }, progress, cancellationToken);
            }

            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(verified);
            }
            else
            {
                foreach (var difference in verified.Differences)
                    Console.WriteLine(difference);
                Console.WriteLine(verified.Matches ? $"{manifest.Id}: equal, root {verified.RootHash}" : $"{manifest.Id}: differs");
            }

            return verified.Matches ? ExitCode.Completed : ExitCode.Damage;
        }));
        return command;
    }
}
