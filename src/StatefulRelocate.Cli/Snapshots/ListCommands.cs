using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot list</c> and <c>show</c>.</summary>
internal static class ListCommands
{
    public static Command List()
    {
        var app = new Option<string?>("--app") { Description = "Only those of this app.", HelpName = "NAME" };
        var tags = new Option<string[]>("--tag") { Description = "Only those with this tag; given several times, with all of them.", HelpName = "WORD" };
        var json = SnapshotCommands.Json();
        var command = new Command("list", "List the snapshots, the newest last.") { app, tags, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var (name, words) = (parse.GetValue(app), parse.GetValue(tags) ?? []);
            var all = (await SnapshotLookup.AllAsync(await options.OpenAsync(parse, cancellationToken), cancellationToken))
                .Select(s => s.Manifest).Where(m => (name is null || m.App == name) && words.All(t => m.Tags.Contains(t))).ToList();
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write([.. all.Select(SnapshotDocument.Of)]);
                return ExitCode.Completed;
            }

            foreach (var manifest in all)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{manifest.Id,-32} {manifest.CreatedAt:yyyy-MM-dd HH:mm:ss}  {manifest.App,-16} {manifest.Entries,8} entries  {SnapshotOutput.Bytes(manifest.Bytes),10}  {string.Join(',', manifest.Tags)}").TrimEnd());
            if (all.Count == 0)
                Console.WriteLine("no snapshots");
            return ExitCode.Completed;
        }));
        return command;
    }

    public static Command Show()
    {
        var (id, app, json) = (SnapshotCommands.Id(), SnapshotCommands.App(), SnapshotCommands.Json());
        var command = new Command("show", "Show one snapshot.") { id, app, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var (_, manifest) = await SnapshotLookup.GetAsync(await options.OpenAsync(parse, cancellationToken), parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(SnapshotDocument.Of(manifest));
                return ExitCode.Completed;
            }

            Console.WriteLine($"""
                id       {manifest.Id}
                app      {manifest.App}
                taken    {manifest.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} UTC
                tags     {(manifest.Tags.IsEmpty ? "none" : string.Join(", ", manifest.Tags))}
                volumes  {string.Join(", ", manifest.Volumes)}
                parent   {manifest.Parent ?? "none"}
                entries  {manifest.Entries}
                size     {SnapshotOutput.Bytes(manifest.Bytes)}
                stored   {SnapshotOutput.Bytes(manifest.Figures.BytesShipped)} in {SnapshotOutput.Seconds(manifest.Figures.Duration)}
                root     {manifest.RootHash}
                """);
            SnapshotOutput.Warn(manifest.Warnings);
            return ExitCode.Completed;
        }));
        return command;
    }
}
