using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate snapshot</c>: directories into a repository and back.</summary>
internal static class SnapshotCommands
{
    private const string VolumeName = "data";

    public static Command Create(GlobalOptions globals) => new("snapshot", "Snapshots of directories.")
    {
        Take(globals), List(), Show(), Restore(globals), Verify(globals), Diff(),
    };

    private static Command Take(GlobalOptions globals)
    {
        var directory = new Argument<string>("DIR") { Description = "The directory." };
        var (app, json) = (new Option<string>("--app") { Description = "The name to list it under. Default: manual.", HelpName = "NAME", DefaultValueFactory = _ => "manual" }, Json());
        var command = new Command("create", "Take a snapshot of a directory; only what changed since the last one is stored.") { directory, app, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var path = Existing(parse.GetValue(directory)!);
            var repository = await options.OpenAsync(parse, cancellationToken);
            var taken = await new Snapshotter(repository, TimeProvider.System).TakeAsync(new SnapshotRequest
            {
                App = parse.GetValue(app)!,
                SnapshotId = $"{TimeProvider.System.GetUtcNow().ToString("yyyyMMdd't'HHmmss", CultureInfo.InvariantCulture)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}",
                Volumes = [new VolumePath(VolumeName, path)],
                JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path),
            }, null, cancellationToken);
            SnapshotOutput.Warn(taken.Warnings);
            if (parse.GetValue(json))
                SnapshotOutput.Write(taken);
            else
                Console.WriteLine($"snapshot {taken.SnapshotId}: {taken.Figures.Entries} entries, {SnapshotOutput.Bytes(taken.Figures.BytesScanned)} read, {SnapshotOutput.Bytes(taken.Figures.BytesChanged)} changed, {SnapshotOutput.Bytes(taken.Figures.BytesShipped)} stored in {SnapshotOutput.Seconds(taken.Figures.Duration)}");
            return taken.Warnings.IsEmpty ? ExitCode.Completed : ExitCode.Partial;
        }));
        return command;
    }

    private static Command List()
    {
        var json = Json();
        var command = new Command("list", "List the snapshots, the newest last.") { json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var repository = await options.OpenAsync(parse, cancellationToken);
            var all = new List<SnapshotManifest>();
            await foreach (var manifest in repository.Snapshots.ListAsync(cancellationToken))
                all.Add(manifest);
            all.Sort((a, b) => a.CreatedAt.CompareTo(b.CreatedAt));
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(all);
                return ExitCode.Completed;
            }

            foreach (var manifest in all)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{manifest.Id,-32} {manifest.CreatedAt:yyyy-MM-dd HH:mm:ss}  {manifest.App,-16} {manifest.Entries,8} entries  {SnapshotOutput.Bytes(manifest.Bytes),10}"));
            if (all.Count == 0)
                Console.WriteLine("no snapshots");
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Show()
    {
        var (id, json) = (Id(), Json());
        var command = new Command("show", "Show one snapshot.") { id, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var manifest = await (await options.OpenAsync(parse, cancellationToken)).Snapshots.GetAsync(parse.GetValue(id)!, cancellationToken);
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(manifest);
                return ExitCode.Completed;
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"id       {manifest.Id}\napp      {manifest.App}\ntaken    {manifest.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC\nvolumes  {string.Join(", ", manifest.Volumes)}\nparent   {manifest.Parent ?? "none"}\nentries  {manifest.Entries}\nsize     {SnapshotOutput.Bytes(manifest.Bytes)}\nstored   {SnapshotOutput.Bytes(manifest.Figures.BytesShipped)} in {SnapshotOutput.Seconds(manifest.Figures.Duration)}\nroot     {manifest.RootHash}"));
            SnapshotOutput.Warn(manifest.Warnings);
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Restore(GlobalOptions globals)
    {
        var (id, directory, json) = (Id(), new Argument<string>("DIR") { Description = "Where to; made when missing." }, Json());
        var inPlace = new Option<bool>("--in-place") { Description = "The directory may hold something: it becomes what the snapshot says, and what is not in it is removed." };
        var command = new Command("restore", "Restore a snapshot into a directory, writing only what differs.") { id, directory, inPlace, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var repository = await options.OpenAsync(parse, cancellationToken);
            var manifest = await repository.Snapshots.GetAsync(parse.GetValue(id)!, cancellationToken);
            var path = Path.GetFullPath(parse.GetValue(directory)!);
            MakeTarget(path, parse.GetValue(inPlace));
            var restorer = new Restorer(repository, TimeProvider.System);
            var restored = await restorer.RestoreAsync(new RestoreRequest
            {
                SnapshotId = manifest.Id,
                Volumes = Volumes(manifest, path),
                JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path),
            }, null, cancellationToken);
            SnapshotOutput.Warn(restored.Warnings);
            if (parse.GetValue(json))
                SnapshotOutput.Write(restored);
            else
                Console.WriteLine($"restored {restored.SnapshotId}: {restored.Figures.Entries} entries, {SnapshotOutput.Bytes(restored.Figures.BytesShipped)} written and read back in {SnapshotOutput.Seconds(restored.Figures.Duration)}");
            return restored.Warnings.IsEmpty ? ExitCode.Completed : ExitCode.Partial;
        }));
        return command;
    }

    private static Command Verify(GlobalOptions globals)
    {
        var (id, directory, json) = (Id(), new Argument<string>("DIR") { Description = "A restored directory." }, Json());
        var command = new Command("verify", "Compare a restored directory with its snapshot. Exit code 6 when it differs.") { id, directory, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var repository = await options.OpenAsync(parse, cancellationToken);
            var manifest = await repository.Snapshots.GetAsync(parse.GetValue(id)!, cancellationToken);
            var path = Existing(parse.GetValue(directory)!);
            var verified = await new Restorer(repository, TimeProvider.System).VerifyAsync(new VerifyRequest
            {
                SnapshotId = manifest.Id,
                Volumes = Volumes(manifest, path),
                JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path),
            }, null, cancellationToken);
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

    private static Command Diff()
    {
        var (from, to, json) = (new Argument<string>("FROM") { Description = "A snapshot's id." }, new Argument<string>("TO") { Description = "A snapshot's id, or latest." }, Json());
        var command = new Command("diff", "Show what differs between two snapshots: + added, - removed, M content, U metadata.") { from, to, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var snapshots = (await options.OpenAsync(parse, cancellationToken)).Snapshots;
            var differences = await snapshots.DiffAsync(
                await snapshots.GetAsync(parse.GetValue(from)!, cancellationToken), await snapshots.GetAsync(parse.GetValue(to)!, cancellationToken), cancellationToken);
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(differences);
                return ExitCode.Completed;
            }

            foreach (var difference in differences)
                Console.WriteLine($"{difference.Kind} {difference.Volume}:{(difference.Path.Length == 0 ? "." : difference.Path)}{(difference.BytesChanged > 0 ? $"  {SnapshotOutput.Bytes(difference.BytesChanged)}" : "")}");
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Argument<string> Id() => new("ID") { Description = "The snapshot's id, or latest." };

    private static Option<bool> Json() => new("--json") { Description = "One JSON document." };

    private static string Existing(string directory)
        => Directory.Exists(directory) ? Path.GetFullPath(directory) : throw new RelocateException($"{directory}: no such directory");

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

    /// <summary>One volume goes into the directory itself, several into one directory each below it.</summary>
    private static System.Collections.Immutable.ImmutableArray<VolumePath> Volumes(SnapshotManifest manifest, string path)
    {
        if (manifest.Volumes.Length == 1)
            return [new VolumePath(manifest.Volumes[0], path)];
        foreach (var name in manifest.Volumes)
        {
            if (name.Contains('/', StringComparison.Ordinal) || name is "" or "." or "..")
                throw new RelocateException($"snapshot '{manifest.Id}' has a volume with an impossible name", ExitCode.Damage);
            Directory.CreateDirectory(Path.Combine(path, name));
        }

        return [.. manifest.Volumes.Select(name => new VolumePath(name, Path.Combine(path, name)))];
    }
}
