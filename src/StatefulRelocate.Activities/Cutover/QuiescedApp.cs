using System.Collections.Immutable;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>Written right before the app is made silent.</summary>
/// <param name="RelocationId">The relocation.</param>
/// <param name="SharedMappings">
/// Files that the app mapped shared and writable while it ran; the final round compares them in full. A stopped app maps nothing any
/// more, and on a file system without write-back (tmpfs) a store through a mapping never moves the modification time.
/// </param>
internal sealed record QuiescedApp(string RelocationId, ImmutableArray<string> SharedMappings);
