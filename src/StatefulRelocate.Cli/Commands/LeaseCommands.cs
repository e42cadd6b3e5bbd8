using System.CommandLine;
using System.Text.Json;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Snapshots.Leases;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate lease</c>: the writer record of an app, for operators.</summary>
internal static class LeaseCommands
{
    public static Command Create(GlobalOptions globals) => new("lease", "The writer record of an app: who may run it.") { Show(globals), Break(globals) };

    private static Command Show(GlobalOptions globals)
    {
        var (app, repository) = (AppArgument(), RepositoryOption());
        var json = new Option<bool>("--json") { Description = "For machines." };
        var command = new Command("show", "Show who may run an app, and which relocation holds it.") { app, repository, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var store = await OpenAsync(globals, parse, parse.GetRequiredValue(repository), cancellationToken);
            var record = (await ReadAsync(store, parse.GetRequiredValue(app), parse.GetRequiredValue(repository), cancellationToken)).Record;
            Console.WriteLine(parse.GetValue(json) ? JsonSerializer.Serialize(record, CoreJson.Default.WriterRecord) : Describe(record));
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Break(GlobalOptions globals)
    {
        var (app, repository) = (AppArgument(), RepositoryOption());
        var writer = new Option<string>("--writer") { Description = "The cluster that may run the app from now on.", HelpName = "CLUSTER", Required = true };
        var off = new Option<bool>("--i-know-the-others-are-off") { Description = "You vouch that the app runs on no other cluster, and will not come back there.", Required = true };
        var command = new Command("break", "Take an app away from a relocation that will never end. Two clusters may write if you are wrong.") { app, repository, writer, off };
        command.SetAction(async (parse, cancellationToken) =>
        {
            if (!parse.GetValue(off))
                throw new RelocateException("nothing is broken without --i-know-the-others-are-off: if the app still runs elsewhere, two clusters write");
            var (path, named) = globals.ConfigPath(parse);
            _ = Clusters.ClusterEntry.One(ConfigFile.Load(path, named), globals.StateDirectory(parse), path, parse.GetRequiredValue(writer));
            var store = await OpenAsync(globals, parse, parse.GetRequiredValue(repository), cancellationToken);
            var current = await ReadAsync(store, parse.GetRequiredValue(app), parse.GetRequiredValue(repository), cancellationToken);
            var next = current.Record with
            {
                // A higher epoch: whatever the broken relocation still sends is refused wherever the new one was seen.
                Epoch = current.Record.Epoch + 1,
                RelocationId = null,
                Writer = parse.GetRequiredValue(writer),
                Phase = RelocationPhase.None,
                ChangeId = Guid.NewGuid().ToString("N"),
            };
            var swap = await store.SwapAsync(current, next, cancellationToken);
            if (!swap.Won)
                throw new RelocateException($"the record of '{next.App}' changed meanwhile: {(swap.Current is { } now ? Describe(now.Record) : "it is gone")}; look again with 'relocate lease show'", ExitCode.OurError);
            Console.WriteLine(Describe(next));
            return ExitCode.Completed;
        });
        return command;
    }

    private static async Task<WriterRecordStore> OpenAsync(GlobalOptions globals, ParseResult parse, string repository, CancellationToken cancellationToken)
    {
        var (path, named) = globals.ConfigPath(parse);
        return new WriterRecordStore(await ConfiguredRepository.OpenAsync(repository, ConfigFile.Load(path, named), cancellationToken));
    }

    private static async Task<WriterRecordVersion> ReadAsync(WriterRecordStore store, string app, string repository, CancellationToken cancellationToken) =>
        await store.ReadAsync(app, cancellationToken)
        ?? throw new RelocateException($"repository '{repository}' has no writer record of app '{app}': it was never relocated through it");

    private static string Describe(WriterRecord record) =>
        $"{record.App}: writer {record.Writer}, epoch {record.Epoch}, {(record.RelocationId is null ? "held by no relocation" : $"held by {record.RelocationId} ({record.Phase.ToString().ToLowerInvariant()})")}";

    private static Argument<string> AppArgument() => new("APP") { Description = "The app's name." };

    private static Option<string> RepositoryOption() => new("--repository", "--repo") { Description = "The repository's name in the configuration.", HelpName = "NAME", Required = true };
}
