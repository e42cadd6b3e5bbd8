using System.CommandLine;
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
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Check()
    {
        var readData = new Option<bool>("--read-data") { Description = "Read and authenticate every byte, not only the structure." };
        var json = new Option<bool>("--json") { Description = "One JSON document." };
        var command = new Command("check", "Check that every snapshot can be restored. Exit code 6 when something is damaged.") { readData, json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => GuardedAsync(async () =>
        {
            var repository = await options.OpenAsync(parse, cancellationToken);
            var found = new RepositoryChecked([], 0, 0, 0, 0);
            await foreach (var domain in repository.DomainsAsync(cancellationToken))
                found += await new RepositoryChecker(domain).CheckAsync(parse.GetValue(readData), cancellationToken);
            if (parse.GetValue(json))
            {
                SnapshotOutput.Write(found);
            }
            else
            {
                foreach (var problem in found.Problems)
                    Console.WriteLine(problem);
                Console.WriteLine($"{found.Snapshots} snapshots, {found.Packs} packs, {found.UnusedPacks} unused packs, {SnapshotOutput.Bytes(found.BytesRead)} read: "
                    + (found.Problems.IsEmpty ? "no damage" : $"{found.Problems.Length} problems"));
            }

            return found.Problems.IsEmpty ? ExitCode.Completed : ExitCode.Damage;
        }));
        return command;
    }
}
