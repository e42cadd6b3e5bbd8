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
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would be written, changed and removed: + made, M content, U metadata, - removed; nothing is touched." };
        var memory = new MemoryOption();
        var command = new Command("restore", "Restore a snapshot into a directory, writing only what differs.") { id, directory, app, inPlace, dryRun, json };
        memory.AddTo(command);
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var budget = memory.Bytes(parse);
            var (repository, manifest) = await SnapshotLookup.GetAsync(await options.OpenAsync(parse, cancellationToken), parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
            var path = Path.GetFullPath(parse.GetValue(directory)!);
            RequireEmpty(path, parse.GetValue(inPlace));
            var request = new RestoreRequest
            {
                SnapshotId = manifest.Id,
                Volumes = SnapshotCommands.Volumes(manifest, path),
                JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path),
                Memory = budget,
            };
            if (parse.GetValue(dryRun))
                return await PreviewAsync(new Restorer(repository, TimeProvider.System), request, parse.GetValue(json), cancellationToken);
            Make(request.Volumes.Select(volume => volume.Path));
            SnapshotRestored restored;
            await using (var progress = TransferProgress.Start("restoring", parse.GetValue(json)))
                restored = await new Restorer(repository, TimeProvider.System).RestoreAsync(request, progress, cancellationToken);

            SnapshotOutput.Warn(restored.Warnings);
            if (parse.GetValue(json))
                SnapshotOutput.Write(restored);
            else
                Console.WriteLine($"restored {restored.SnapshotId}: {restored.Figures.Entries} entries, {SnapshotOutput.Bytes(restored.Figures.BytesShipped)} written and read back in {SnapshotOutput.Seconds(restored.Figures.Duration)}");
            return restored.Warnings.IsEmpty ? ExitCode.Completed : ExitCode.Partial;
        }));
        return command;
    }

    private static async Task<int> PreviewAsync(Restorer restorer, RestoreRequest request, bool json, CancellationToken cancellationToken)
    {
        RestorePreview preview;
        await using (var progress = TransferProgress.Start("comparing", json))
            preview = await restorer.PreviewAsync(request, progress, cancellationToken);
        if (json)
        {
            SnapshotOutput.Write(PreviewDocument.Of(preview));
            return ExitCode.Completed;
        }

        using var output = new StreamWriter(Console.OpenStandardOutput(), bufferSize: 1 << 16);
        foreach (var difference in preview.Differences)
            await output.WriteLineAsync(SnapshotOutput.Line(difference));
        await output.WriteLineAsync($"would restore {preview.SnapshotId}: {Counted(preview.Made)} made, {Counted(preview.Changed)} changed, {preview.Metadata.Names} with other metadata, {Counted(preview.Removed)} removed, {preview.Unchanged} unchanged; nothing was touched");
        return ExitCode.Completed;
    }

    private static string Counted(ChangedNames names) => $"{names.Names} ({SnapshotOutput.Bytes(names.Bytes)})";

    private static void RequireEmpty(string path, bool inPlace)
    {
        try
        {
            if (File.Exists(path))
                throw new RelocateException($"{path}: not a directory; name one, or a path that does not exist yet");
            if (Directory.Exists(path) && !inPlace && Directory.EnumerateFileSystemEntries(path).Any())
                throw new RelocateException($"{path}: not empty; with --in-place it becomes what the snapshot says, and what is not in it is removed");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot restore there: {error.Message}", inner: error);
        }
    }

    private static void Make(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            try
            {
                Directory.CreateDirectory(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new RelocateException($"{path}: cannot restore there: {error.Message}", inner: error);
            }
        }
    }
}
