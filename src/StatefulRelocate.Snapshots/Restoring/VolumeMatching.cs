using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Restoring;

/// <summary>Which directory each volume of a snapshot goes to.</summary>
internal static class VolumeMatching
{
    /// <summary>The directories, in the manifest's order of volumes.</summary>
    /// <exception cref="RelocateException">The names do not match one to one.</exception>
    public static ImmutableArray<string> Paths(SnapshotManifest manifest, ImmutableArray<VolumePath> volumes)
    {
        // One volume on both sides needs no name.
        if (manifest.Volumes.Length == 1 && volumes.Length == 1)
            return [volumes[0].Path];
        if (volumes.Length != manifest.Volumes.Length)
            throw new RelocateException($"snapshot '{manifest.Id}' has the volumes {string.Join(", ", manifest.Volumes)}, and {volumes.Length} were given");
        return [.. manifest.Volumes.Select(name => volumes.FirstOrDefault(v => v.Name == name)?.Path
            ?? throw new RelocateException($"snapshot '{manifest.Id}' has a volume '{name}' that no directory was given for"))];
    }
}
