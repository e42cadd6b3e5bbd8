using System.CommandLine;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Restoring;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot restore</c>.</summary>
internal static class RestoreCommand
{
    public static Command Create(GlobalOptions globals)
    {
        var (id, app, json) = (SnapshotCommands.Id(), SnapshotCommands.App(), SnapshotCommands.Json());
        var directory = new Argument<string>("DIR") { Description = "Where to; made when missing." };
        var inPlace = new Option<bool>("--in-place") { Description = "The directory may hold something: it becomes what the snapshot says, and what is not in it is removed." };
        var memory = new MemoryOption();
        var command = new Command("restore", "Restore a snapshot into a directory, writing only what differs.") { id, directory, app, inPlace, json };
        memory.AddTo(command);
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var budget = memory.Bytes(parse);
            var (repository, manifest) = await SnapshotLookup.GetAsync(await options.OpenAsync(parse, cancellationToken), parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
            var path = Path.GetFullPath(parse.GetValue(directory)!);
            MakeTarget(path, parse.GetValue(inPlace));

            // Into an empty directory everything is written; in place nobody knows before how much that is.
            long? total = parse.GetValue(inPlace) ? null : manifest.Bytes;
            SnapshotRestored restored;
            await using (var progress = TransferProgress.Start("restoring", parse.GetValue(json), total))
            {
                restored = await new Restorer(repository, TimeProvider.System).RestoreAsync(new RestoreRequest
                {
                    SnapshotId = manifest.Id,
                    Volumes = SnapshotCommands.Volumes(manifest, path),
                    JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path),
                    Memory = budget,
                }, progress, cancellationToken);
            }

            SnapshotOutput.Warn(restored.Warnings);
            if (parse.GetValue(json))
                SnapshotOutput.Write(restored);
            else
                Console.WriteLine($"restored {restored.SnapshotId}: {restored.Figures.Entries} entries, {SnapshotOutput.Bytes(restored.Figures.BytesShipped)} written and read back in {SnapshotOutput.Seconds(restored.Figures.Duration)}");
            return restored.Warnings.IsEmpty ? ExitCode.Completed : ExitCode.Partial;
        }));
        return command;
    }

    private static void MakeTarget(string path, bool inPlace)
    {
        try
        {
            if (Directory.Exists(path) && !inPlace && Directory.EnumerateFileSystemEntries(path).Any())
                throw new RelocateException($"{path}: not empty; with --in-place it becomes what the snapshot says, and what is not in it is removed");
            Directory.CreateDirectory(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot restore there: {error.Message}", inner: error);
        }
    }
}
