using System.Collections.Immutable;
using System.CommandLine;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot</c>: directories into a repository and back. Each command has its own file.</summary>
internal static class SnapshotCommands
{
    public static Command Create(GlobalOptions globals) => new("snapshot", "Snapshots of directories.")
    {
        CreateCommand.Create(globals),
        ListCommands.List(),
        ListCommands.Show(),
        TreeCommands.Ls(),
        TreeCommands.Dump(),
        RestoreCommand.Create(globals),
        VerifyCommand.Create(globals),
        TreeCommands.Diff(),
        ForgetCommand.Create(),
        PruneCommand.Create(),
        ReleaseCommand.Create(),
    };

    public static Argument<string> Id() => new("ID") { Description = "The snapshot's id, the beginning of one, or latest." };

    public static Option<string?> App() => new("--app") { Description = "With latest: the newest of this app.", HelpName = "NAME" };

    public static Option<bool> Json() => new("--json") { Description = "One JSON document, and no progress." };

    public static string Existing(string directory)
        => Directory.Exists(directory) ? Path.GetFullPath(directory) : throw new RelocateException($"{directory}: no such directory");

    /// <summary>One volume goes into the directory itself, several into one directory each below it.</summary>
    public static ImmutableArray<VolumePath> Volumes(SnapshotManifest manifest, string path)
    {
        if (manifest.Volumes.Length == 1)
            return [new VolumePath(manifest.Volumes[0], path)];
        if (manifest.Volumes.Any(name => name.Contains('/', StringComparison.Ordinal) || name is "" or "." or ".."))
            throw new RelocateException($"snapshot '{manifest.Id}' has a volume with an impossible name", ExitCode.Damage);
        return [.. manifest.Volumes.Select(name => new VolumePath(name, Path.Combine(path, name)))];
    }
}
