using System.CommandLine;
using System.Text.Json;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Clusters;
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
            var store = await OpenAsync(globals, parse, parse.GetRequiredValue(app), parse.GetRequiredValue(repository), cancellationToken);
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
            var config = ConfigFile.Load(path, named);
            var (name, state) = (parse.GetRequiredValue(app), globals.StateDirectory(parse));
            var chosen = ClusterEntry.One(config, state, path, parse.GetRequiredValue(writer));
            var desk = new LeaseDesk(await (await ConfiguredRepository.OpenAsync(parse.GetRequiredValue(repository), config, cancellationToken)).ForAppAsync(name, cancellationToken));
            if (await desk.ShowAsync(name, cancellationToken) is null)
                throw Unknown(parse.GetRequiredValue(repository), name);
            var agents = await UpAsync(ClusterEntry.All(config, state), cancellationToken);
            if (agents.FirstOrDefault(agent => agent.Entry != chosen && agent.Description.Apps.Any(each => each.Name == name && each.State != AppRunState.Stopped)).Entry is { } other)
                throw new RelocateException($"nothing is broken: app '{name}' is on cluster '{other.Name}', and not stopped there; stop it first: relocate app stop {name} --cluster {other.Name}");
            var highest = agents.SelectMany(agent => agent.Description.Apps).Where(each => each.Name == name).Select(each => each.HighestEpoch).DefaultIfEmpty().Max();
            Console.WriteLine(Describe(await desk.BreakAsync(name, chosen.Name, highest, cancellationToken)));
            var lease = JsonSerializer.SerializeToElement(new LeaseCall(name, parse.GetRequiredValue(repository)), AgentCallsJson.Default.LeaseCall);
            foreach (var (agent, description) in agents)
                if (agent == chosen || description.Apps.Any(each => each.Name == name))
                    await agent.CallAsync(AgentCalls.AdoptLease, lease, cancellationToken);
            var away = ClusterEntry.All(config, state).Where(entry => agents.All(agent => agent.Entry.Name != entry.Name)).Select(entry => $"'{entry.Name}'").ToList();
            if (away.Count > 0)
                Console.WriteLine($"not up: {string.Join(", ", away)}; a cluster learns of it when it comes up with the repository in reach, and goes by what it knew without");
            return ExitCode.Completed;
        });
        return command;
    }

    private static async Task<List<(ClusterEntry Entry, ClusterDescription Description)>> UpAsync(IReadOnlyList<ClusterEntry> entries, CancellationToken cancellationToken)
    {
        var up = new List<(ClusterEntry, ClusterDescription)>();
        foreach (var entry in entries)
            if (await entry.IsUpAsync(cancellationToken)
                && (await entry.CallAsync(AgentCalls.Describe, default, cancellationToken)).Deserialize(AgentCallsJson.Default.ClusterDescription) is { } description)
                up.Add((entry, description));
        return up;
    }

    private static async Task<WriterRecordStore> OpenAsync(GlobalOptions globals, ParseResult parse, string app, string repository, CancellationToken cancellationToken)
    {
        var (path, named) = globals.ConfigPath(parse);
        return new WriterRecordStore(await (await ConfiguredRepository.OpenAsync(repository, ConfigFile.Load(path, named), cancellationToken)).ForAppAsync(app, cancellationToken));
    }

    private static async Task<WriterRecordVersion> ReadAsync(WriterRecordStore store, string app, string repository, CancellationToken cancellationToken) =>
        await store.ReadAsync(app, cancellationToken)
        ?? throw Unknown(repository, app);

    private static RelocateException Unknown(string repository, string app) => new($"repository '{repository}' has no writer record of app '{app}': it was never relocated through it");

    private static string Describe(WriterRecord record) =>
        $"{record.App}: writer {record.Writer}, epoch {record.Epoch}, {(record.RelocationId is null ? "held by no relocation" : $"held by {record.RelocationId} ({record.Phase.ToString().ToLowerInvariant()})")}";

    private static Argument<string> AppArgument() => new("APP") { Description = "The app's name." };

    private static Option<string> RepositoryOption() => new("--repository", "--repo") { Description = "The repository's name in the configuration.", HelpName = "NAME", Required = true };
}
