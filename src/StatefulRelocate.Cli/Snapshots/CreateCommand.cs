using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Filters;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot create</c>.</summary>
internal static class CreateCommand
{
    private const string VolumeName = "data", DefaultApp = "manual";

    public static Command Create(GlobalOptions globals)
    {
        var directory = new Argument<string>("DIR") { Description = "The directory." };
        var app = new Option<string?>("--app") { Description = "The name to list it under. Default: manual, or the app that the key opens.", HelpName = "NAME" };
        var tags = new Option<string[]>("--tag") { Description = "A word to find it by; may be given several times.", HelpName = "WORD" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would be stored; the repository is not changed." };
        var paranoid = new Option<bool>("--paranoid") { Description = "Read and compare every file, whatever its times say." };
        var json = SnapshotCommands.Json();
        var (compression, memory, excludes, source) = (new CompressionOption(), new MemoryOption(), new ExcludeOptions(), new SourceOptions());
        var command = new Command("create", "Take a snapshot of a directory; only what changed since the last one is stored.") { directory, app, tags, dryRun, paranoid, json };
        compression.AddTo(command);
        memory.AddTo(command);
        excludes.AddTo(command);
        source.AddTo(command);
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var path = SnapshotCommands.Existing(parse.GetValue(directory)!);
            var request = source.ApplyTo(new SnapshotRequest
            {
                App = parse.GetValue(app) ?? DefaultApp,
                SnapshotId = NewId(),
                Volumes = [new VolumePath(VolumeName, path)],
                JournalDirectory = "",
                Tags = [.. (parse.GetValue(tags) ?? []).Select(CheckTag)],
                Filter = excludes.Filter(parse),
                DryRun = parse.GetValue(dryRun),
                Paranoid = parse.GetValue(paranoid),
                CompressionLevel = compression.Level(parse),
                Memory = memory.Bytes(parse),
            }, parse);
            var opened = await options.OpenAsync(parse, cancellationToken);
            if (parse.GetValue(app) is null && opened.App is { } own)
                request = request with { App = own };
            var repository = await opened.ForAppAsync(request.App, cancellationToken);
            SnapshotTaken taken;
            await using (var progress = TransferProgress.Start("reading", parse.GetValue(json)))
            {
                taken = await new Snapshotter(repository, TimeProvider.System).TakeAsync(
                    request with { JournalDirectory = RepositoryOptions.Journal(globals, parse, repository, path) }, progress, cancellationToken);
            }

            SnapshotOutput.Warn(taken.Warnings);
            if (parse.GetValue(json))
                SnapshotOutput.Write(TakenDocument.Of(request, taken));
            else if (request.DryRun)
                Console.WriteLine($"would take a snapshot: {taken.Figures.Entries} entries, {SnapshotOutput.Bytes(taken.Figures.BytesScanned)} read, {SnapshotOutput.Bytes(taken.Figures.BytesChanged)} changed; nothing was stored");
            else
                Console.WriteLine($"snapshot {taken.SnapshotId}: {taken.Figures.Entries} entries, {SnapshotOutput.Bytes(taken.Figures.BytesScanned)} read, {SnapshotOutput.Bytes(taken.Figures.BytesChanged)} changed, {SnapshotOutput.Bytes(taken.Figures.BytesShipped)} stored in {SnapshotOutput.Seconds(taken.Figures.Duration)}");
            return taken.Warnings.IsEmpty ? ExitCode.Completed : ExitCode.Partial;
        }));
        return command;
    }

    private static string NewId()
        => $"{TimeProvider.System.GetUtcNow().ToString("yyyyMMdd't'HHmmss", CultureInfo.InvariantCulture)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}";

    private static string CheckTag(string tag)
        => tag.Length is > 0 and <= 64 && !tag.Any(c => char.IsControl(c) || c is ' ' or ',') ? tag
            : throw new RelocateException($"--tag '{tag}': a tag is one word of up to 64 characters, without spaces and commas");
}

/// <summary>The options that say what stays out of a snapshot.</summary>
internal sealed class ExcludeOptions
{
    private readonly Option<string[]> _exclude = new("--exclude") { Description = "Leave out what this gitignore pattern matches ('*.log', '/tmp/', '!keep.log'); may be given several times, the last that matches decides.", HelpName = "PATTERN" };
    private readonly Option<string[]> _files = new("--exclude-file") { Description = "A file of such patterns, one on each line; read before those of --exclude.", HelpName = "FILE" };
    private readonly Option<bool> _caches = new("--exclude-caches") { Description = "Leave out what lies in directories with a valid CACHEDIR.TAG." };
    private readonly Option<string?> _larger = new("--exclude-larger-than") { Description = "Leave out files larger than that, as in 100MiB.", HelpName = "SIZE" };

    public void AddTo(Command command)
    {
        command.Options.Add(_exclude);
        command.Options.Add(_files);
        command.Options.Add(_caches);
        command.Options.Add(_larger);
    }

    public IEntryFilter? Filter(ParseResult parse)
    {
        long? limit = parse.GetValue(_larger) is { } size ? ByteSize.Parse(size, "--exclude-larger-than") : null;
        var filter = new ExcludeFilter(parse.GetValue(_exclude) ?? [], parse.GetValue(_files) ?? [], parse.GetValue(_caches), limit);
        return filter.IsEmpty ? null : filter;
    }
}
