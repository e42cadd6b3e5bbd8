using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Activities.Rounds;

/// <summary>The reflinks that a relocation's rounds keep in the source's volumes: they hold space, and have no use when it is over.</summary>
internal static class KeptReflinks
{
    /// <summary>Removes them. What cannot be removed is a warning: it stops no move and no undo.</summary>
    public static ImmutableArray<string> Remove(ImmutableArray<VolumePath> volumes)
    {
        var warnings = ImmutableArray.CreateBuilder<string>();
        foreach (var volume in volumes)
        {
            try
            {
                if (Directory.Exists(volume.Path))
                    _ = ReservedDirectory.Remove(volume.Path);
            }
            catch (RelocateException error)
            {
                warnings.Add(error.Message);
            }
        }

        return warnings.ToImmutable();
    }
}
