using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Cli.Repositories;

/// <summary><c>relocate repo key</c>: who can open the repository, or one app in it.</summary>
internal static class KeyCommands
{
    public static Command Create() => new("key", "The keys that open a repository, or one app in it.") { List(), Add(), Remove() };

    private static Command List()
    {
        var json = new Option<bool>("--json") { Description = "One JSON document." };
        var command = new Command("list", "List the keys; * is the one that this command used.") { json };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var keys = await new KeyDirectory(await options.OpenAsync(parse, cancellationToken)).ListAsync(cancellationToken);
            if (parse.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize<IReadOnlyList<RepositoryKeyInfo>>(keys, KeyJson.Default.IReadOnlyListRepositoryKeyInfo));
                return ExitCode.Completed;
            }

            foreach (var key in keys)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(key.Current ? '*' : ' ')} {key.Id}  {key.Kind,-10}  {(key.App is null ? "everything" : $"app {key.App}"),-20}  {key.AddedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}  {key.Label}").TrimEnd());
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Add()
    {
        var app = new Option<string?>("--app") { Description = "The new key opens this app only. The first one gives the app a key domain of its own; restart agents then.", HelpName = "NAME" };
        var label = new Option<string?>("--label") { Description = "What to call it.", HelpName = "TEXT" };
        var command = new Command("add", "Add a key; no data is rewritten. A key file that does not exist yet is made.") { app, label };
        var options = new RepositoryOptions(command);
        var added = new KeyOptions(command, "new-", "RELOCATE_NEW_PASSPHRASE");
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var repository = await options.OpenAsync(parse, cancellationToken);
            if (added.KeyFile(parse) is { } file && !File.Exists(file))
                RepositoryKey.CreateKeyFile(file);
            var id = await new KeyDirectory(repository).AddAsync(await added.ReadAsync(parse, cancellationToken), parse.GetValue(app), parse.GetValue(label), cancellationToken);
            Console.WriteLine($"added key {id}: it opens {(parse.GetValue(app) is { } name ? $"app '{name}' only" : "everything")}");
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Remove()
    {
        var id = new Argument<string>("ID") { Description = "As 'repo key list' shows it." };
        var command = new Command("remove", "Remove a key; the last one that opens everything stays.") { id };
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            await new KeyDirectory(await options.OpenAsync(parse, cancellationToken)).RemoveAsync(parse.GetValue(id)!, cancellationToken);
            Console.WriteLine($"removed key {parse.GetValue(id)}; a copy of it that somebody kept still opens what is stored");
            return ExitCode.Completed;
        }));
        return command;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<RepositoryKeyInfo>))]
internal sealed partial class KeyJson : JsonSerializerContext;
