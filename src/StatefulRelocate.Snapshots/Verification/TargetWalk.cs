using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>A name found on the target; its directory stays open until the next is asked for.</summary>
internal readonly record struct FoundName(OpenDirectory Directory, string Name, EntryKey Key, FileFacts Facts);

/// <summary>
/// Goes through volumes in path order, without following links and without what this program keeps in them; in memory are the names of the directories on the way.
/// </summary>
internal static class TargetWalk
{
    /// <param name="roots">The volumes' own directories; null for one that is not there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static IEnumerable<FoundName> Names(IReadOnlyList<OpenDirectory?> roots, CancellationToken cancellationToken)
    {
        for (var volume = 0; volume < roots.Count; volume++)
        {
            if (roots[volume] is not { } root)
                continue;
            var path = new Stack<(string Path, OpenDirectory Directory, List<string> Names, int Next)>();
            try
            {
                yield return new FoundName(root, ".", new EntryKey(volume, ""), root.Handle.Facts());
                path.Push(("", root.OpenDirectoryAt("."), root.Names(), 0));
                while (path.TryPop(out var at))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (at.Next == at.Names.Count)
                    {
                        at.Directory.Dispose();
                        continue;
                    }

                    var name = at.Names[at.Next];
                    path.Push(at with { Next = at.Next + 1 });
                    var key = new EntryKey(volume, PathText.Join(at.Path, name));
                    if (ReservedDirectory.IsReserved(key.Path) || at.Directory.FactsAt(name) is not { } facts)
                        continue;
                    yield return new FoundName(at.Directory, name, key, facts);
                    if (facts.Type != EntryType.Directory)
                        continue;
                    var below = at.Directory.OpenDirectoryAt(name);
                    path.Push((key.Path, below, [], 0));
                    path.Peek().Names.AddRange(below.Names());
                }
            }
            finally
            {
                foreach (var left in path)
                    left.Directory.Dispose();
            }
        }
    }
}
