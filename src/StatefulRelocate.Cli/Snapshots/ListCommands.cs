using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;

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
            var repository = await options.OpenAsync(parse, cancellationToken);
            var all = new List<SnapshotManifest>();
            await foreach (var manifest in repository.Snapshots.ListAsync(cancellationToken))
            {
                if ((parse.GetValue(app) is not { } name || manifest.App == name) && (parse.GetValue(tags) ?? []).All(t => manifest.Tags.Contains(t)))
                    all.Add(manifest);
            }

            all.Sort((a, b) => (a.CreatedAt, a.Id).CompareTo((b.CreatedAt, b.Id)));
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
            var manifest = await (await options.OpenAsync(parse, cancellationToken)).Snapshots.GetAsync(parse.GetValue(id)!, parse.GetValue(app), cancellationToken);
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
