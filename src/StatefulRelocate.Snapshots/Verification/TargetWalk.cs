using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Native;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>A name found on the target; its directory stays open until the next is asked for.</summary>
internal readonly record struct FoundName(OpenDirectory Directory, string Name, EntryKey Key, FileFacts Facts);

/// <summary>Goes through volumes in path order, without following links; in memory are the names of the directories on the way.</summary>
internal static class TargetWalk
{
    public static IEnumerable<FoundName> Names(IReadOnlyList<OpenDirectory> roots, CancellationToken cancellationToken)
    {
        for (var volume = 0; volume < roots.Count; volume++)
        {
            var path = new Stack<(string Path, OpenDirectory Directory, List<string> Names, int Next)>();
            try
            {
                yield return new FoundName(roots[volume], ".", new EntryKey(volume, ""), roots[volume].Handle.Facts());
                path.Push(("", roots[volume].OpenDirectoryAt("."), roots[volume].Names(), 0));
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
                    if (at.Directory.FactsAt(name) is not { } facts)
                        continue;
                    var key = new EntryKey(volume, PathText.Join(at.Path, name));
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
