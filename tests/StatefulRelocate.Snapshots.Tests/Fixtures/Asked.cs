using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>A filter, and a way to do something at the moment at which a round comes to a name.</summary>
internal sealed class Asked(Func<FilteredEntry, bool> excludes) : IEntryFilter
{
    public bool Excludes(in FilteredEntry entry) => excludes(entry);
}
