using System.CommandLine;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Retention;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot prune</c>.</summary>
internal static class PruneCommand
{
    public static Command Create()
    {
        var grace = new Option<string?>("--grace") { Description = "How long, by the store's clock, what nothing needs is left before a later prune deletes it; longer than the longest restore. 0: delete at once. Default: 24h.", HelpName = "TIME" };
        var timeout = new Option<string?>("--writer-timeout") { Description = "Snapshots that have been running for longer than that are given up: they cannot be sealed any more. Default: 72h.", HelpName = "TIME" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what nothing needs." };
        var json = SnapshotCommands.Json();
        var command = new Command("prune", "Free the space that no snapshot needs, beside running snapshots and restores. Run it regularly: it condemns now, and deletes what earlier runs condemned.") { grace, timeout, dryRun, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var request = new PruneRequest { DryRun = parse.GetValue(dryRun) };
            if (parse.GetValue(grace) is { } wait)
                request = request with { Grace = TimeText.Parse(wait, "--grace") };
            if (parse.GetValue(timeout) is { } limit)
                request = request with { WriterTimeout = TimeText.Parse(limit, "--writer-timeout") };
            var repository = await options.OpenAsync(parse, cancellationToken);
            var outcome = new PruneOutcome();
            await using (var progress = TransferProgress.Start("pruning", parse.GetValue(json)))
            {
                await foreach (var domain in repository.DomainsAsync(cancellationToken))
                    outcome += await new Pruner(domain).RunAsync(request, progress, cancellationToken);
            }

            if (parse.GetValue(json))
                SnapshotOutput.Write(outcome);
            else
                Show(outcome, request.DryRun);
            return ExitCode.Completed;
        }));
        return command;
    }

    private static void Show(PruneOutcome outcome, bool dryRun)
    {
        foreach (var writer in outcome.GivenUp)
            Console.WriteLine($"given up: {writer}");
        foreach (var waiting in outcome.Waiting)
            Console.WriteLine($"waiting: {waiting}");
        if (dryRun)
        {
            Console.WriteLine($"{outcome.Condemned} objects ({SnapshotOutput.Bytes(outcome.CondemnedBytes)}) are needed by no snapshot; nothing was changed");
            return;
        }

        if (outcome.Deleted > 0 || outcome.Rescued > 0)
            Console.WriteLine($"deleted {outcome.Deleted} objects, {SnapshotOutput.Bytes(outcome.DeletedBytes)}{(outcome.Rescued > 0 ? $"; {outcome.Rescued} are needed again and stay" : "")}");
        if (outcome.Condemned > outcome.Deleted)
            Console.WriteLine($"condemned {outcome.Condemned} objects, {SnapshotOutput.Bytes(outcome.CondemnedBytes)}; a prune after the grace period deletes them");
        if (outcome is { Deleted: 0, Condemned: 0, Waiting.IsEmpty: true })
            Console.WriteLine("nothing to free");
        Console.WriteLine($"{SnapshotOutput.Bytes(outcome.KeptBytes)} are needed");
    }
}
