using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Browsing;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot ls</c>, <c>dump</c> and <c>diff</c>: look into snapshots without restoring them.</summary>
internal static class TreeCommands
{
    public static Command Ls()
    {
        var (id, app, json) = (SnapshotCommands.Id(), SnapshotCommands.App(), SnapshotCommands.Json());
        var path = new Argument<string?>("PATH") { Description = "A file or directory in it, as PATH or VOLUME:PATH. Default: everything.", Arity = ArgumentArity.ZeroOrOne };
        var longForm = new Option<bool>("--long", "-l") { Description = "Mode, owner, size and time, too." };
        var command = new Command("ls", "List the names in a snapshot.") { id, path, app, longForm, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var (repository, manifest) = await SnapshotLookup.GetAsync(await options.OpenAsync(parse, cancellationToken), parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
            var names = await new SnapshotBrowser(repository).ListAsync(manifest, parse.GetValue(path), cancellationToken);
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(names);
                return ExitCode.Completed;
            }

            using var output = new StreamWriter(Console.OpenStandardOutput(), bufferSize: 1 << 16);
            foreach (var name in names)
                await output.WriteLineAsync(Line(name, manifest.Volumes.Length > 1, parse.GetValue(longForm)));
            return ExitCode.Completed;
        }));
        return command;
    }

    public static Command Dump()
    {
        var (id, app) = (SnapshotCommands.Id(), SnapshotCommands.App());
        var path = new Argument<string>("FILE") { Description = "A file in it, as PATH or VOLUME:PATH." };
        var output = new Option<string?>("--output", "-o") { Description = "A file that does not exist yet. Default: standard output.", HelpName = "FILE" };
        var command = new Command("dump", "Write the content of one file of a snapshot to standard output.") { id, path, app, output };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var (repository, manifest) = await SnapshotLookup.GetAsync(await options.OpenAsync(parse, cancellationToken), parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
            await using var destination = Open(parse.GetValue(output));
            await new SnapshotBrowser(repository).DumpAsync(manifest, parse.GetValue(path)!, destination, cancellationToken);
            return ExitCode.Completed;
        }));
        return command;
    }

    public static Command Diff()
    {
        var (from, to, json) = (new Argument<string>("FROM") { Description = "A snapshot's id." }, new Argument<string>("TO") { Description = "A snapshot's id, or latest." }, SnapshotCommands.Json());
        var app = SnapshotCommands.App();
        var command = new Command("diff", "Show what differs between two snapshots: + added, - removed, M content, U metadata.") { from, to, app, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var repository = await options.OpenAsync(parse, cancellationToken);
            var (home, before) = await SnapshotLookup.GetAsync(repository, parse.GetValue(from)!, parse.GetValue(app), cancellationToken);
            var (otherHome, after) = await SnapshotLookup.GetAsync(repository, parse.GetValue(to)!, parse.GetValue(app), cancellationToken);
            if (home.Id != otherHome.Id)
                throw new RelocateException($"snapshots '{before.Id}' and '{after.Id}' are in different key domains, so their content cannot be compared");
            var differences = await home.Snapshots.DiffAsync(before, after, cancellationToken);
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(differences);
                return ExitCode.Completed;
            }

            foreach (var difference in differences)
                Console.WriteLine(SnapshotOutput.Line(difference));
            return ExitCode.Completed;
        }));
        return command;
    }

    private static string Line(SnapshotName name, bool severalVolumes, bool longForm)
    {
        var shown = (severalVolumes ? name.Volume + ":" : "") + Shown(name.Path) + (name.Type == "directory" && name.Path.Length > 0 ? "/" : "");
        if (!longForm)
            return shown;
        var arrow = name.Target is null ? "" : name.Type == "symlink" ? $" -> {name.Target}" : $" = {name.Target}";
        return string.Create(CultureInfo.InvariantCulture, $"{Kind(name.Type)} {name.Mode} {name.User,6} {name.Group,6} {name.Size,14} {name.Modified.UtcDateTime:yyyy-MM-dd HH:mm:ss} {shown}{arrow}");
    }

    private static char Kind(string type) => type switch { "file" => '-', "directory" => 'd', "symlink" => 'l', "hardlink" => 'h', _ => 'p' };

    private static string Shown(string path) => path.Length == 0 ? "." : path;

    private static Stream Open(string? path)
    {
        try
        {
            return path is null ? Console.OpenStandardOutput() : new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot make the file: {error.Message}", inner: error);
        }
    }
}
