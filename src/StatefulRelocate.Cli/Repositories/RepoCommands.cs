using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Snapshots;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Cli.Repositories;

/// <summary><c>relocate repo</c>: make and check repositories.</summary>
internal static class RepoCommands
{
    public static Command Create(GlobalOptions globals)
    {
        _ = globals;
        return new("repo", "Repositories of snapshots, and their keys.") { Init(), Check(), KeyCommands.Create() };
    }

    /// <summary>A store that cannot be reached is bad input, told in one line.</summary>
    public static async Task<int> GuardedAsync(Func<Task<int>> act)
    {
        try
        {
            return await act();
        }
        catch (ObjectStoreException error)
        {
            throw new RelocateException(error.Message, inner: error);
        }
    }

    private static Command Init()
    {
        var command = new Command("init", "Make a repository, opened by a passphrase or a key file.");
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => GuardedAsync(async () =>
        {
            var repository = await Repository.InitializeAsync(options.Store(parse), await options.KeyAsync(parse, cancellationToken), cancellationToken);
            Console.WriteLine($"made repository {repository.Id} in {repository.Store.Description}; without its passphrase or key file nobody can read it, you included");
            if (!repository.StoreKeepsConditions)
                SnapshotOutput.Warn(["the server knows no conditional writes: snapshots are safe there, and relocations through it are refused (docs/object-stores.md)"]);
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Check()
    {
        var readData = new Option<string?>("--read-data") { Description = "Read and authenticate every byte, too; or a share of the packs, drawn anew each time, as in --read-data=10%.", HelpName = "PERCENT", Arity = ArgumentArity.ZeroOrOne };
        var json = SnapshotCommands.Json();
        var command = new Command("check", "Check that every snapshot can be restored. Exit code 6 when something is damaged.") { readData, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => GuardedAsync(async () =>
        {
            var request = new CheckRequest { ReadPercent = parse.GetResult(readData) is null ? 0 : Percent(parse.GetValue(readData)) };
            var repository = await options.OpenAsync(parse, cancellationToken);
            var found = new RepositoryChecked([], 0, 0, 0, 0);
            await using (var progress = TransferProgress.Start("checking", parse.GetValue(json)))
            {
                await foreach (var domain in repository.DomainsAsync(cancellationToken))
                    found += await new RepositoryChecker(domain).CheckAsync(request, progress, cancellationToken);
            }

            if (parse.GetValue(json))
                SnapshotOutput.Write(found);
            else
                Show(found);
            return found.Problems.IsEmpty ? ExitCode.Completed : ExitCode.Damage;
        }));
        return command;
    }

    private static void Show(RepositoryChecked found)
    {
        foreach (var problem in found.Problems)
            Console.WriteLine(problem);
        if (!found.AffectedSnapshots.IsEmpty)
            Console.WriteLine($"cannot be restored in full: {string.Join(", ", found.AffectedSnapshots)}");
        Console.WriteLine($"{found.Snapshots} snapshots, {found.Packs} packs, {found.UnusedPacks} unused packs, {SnapshotOutput.Bytes(found.BytesRead)} read: "
            + (found.Problems.IsEmpty ? "no damage" : $"{found.DamagedObjects.Length} objects are damaged"));
    }

    private static double Percent(string? text)
        => text is null ? 100
            : double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100 ? percent
            : throw new RelocateException($"--read-data={text}: not a share; write it as 10%");
}
