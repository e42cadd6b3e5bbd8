using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running;

/// <summary>Where the journal and its engine's lock are, below the state directory.</summary>
internal sealed record JournalLocation(string StateDirectory)
{
    /// <summary>The directory of the journal; progress lies beside it.</summary>
    public string Directory => Path.Combine(StateDirectory, "journal");

    /// <summary>The journal.</summary>
    public string File => Path.Combine(Directory, "relocations.db");

    /// <summary>The lock of the engine.</summary>
    public string Lock => Path.Combine(Directory, "engine.lock");

    /// <summary>Opens the journal that is there.</summary>
    /// <exception cref="RelocateException">There is none.</exception>
    public RelocationJournal OpenExisting() => RelocationJournal.Exists(File)
        ? RelocationJournal.Open(File)
        : throw new RelocateException($"{StateDirectory}: no relocation was ever run here; is it the right --state?");

    /// <summary>The relocations that are not over; none where there is no journal.</summary>
    public IReadOnlyList<JournaledRelocation> FindOpen()
    {
        if (!RelocationJournal.Exists(File))
            return [];
        using var journal = RelocationJournal.Open(File);
        return [.. journal.List().Where(each => !each.Ended)];
    }

    /// <summary>The relocation of that id, or the only one that is open, or the last one.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="id">What the user wrote: an id, its beginning, or nothing.</param>
    /// <param name="openOnly">Whether one that is over will not do when nothing was written.</param>
    public static JournaledRelocation Find(RelocationJournal journal, string? id, bool openOnly)
    {
        var all = journal.List();
        if (id is not null)
        {
            var named = all.Where(each => each.Id == id).ToList();
            if (named.Count == 0)
                named = all.Where(each => each.Id.StartsWith(id, StringComparison.Ordinal)).ToList();
            return named switch
            {
                [var one] => one,
                [] => throw new RelocateException($"no relocation '{id}'; see 'relocate list'"),
                _ => throw new RelocateException($"'{id}' begins the ids of {named.Count} relocations; write more of it, see 'relocate list'"),
            };
        }

        var open = all.Where(each => !each.Ended).ToList();
        return (open, all) switch
        {
            ([var only], _) => only,
            ([], [.., var last]) when !openOnly => last,
            ([], _) => throw new RelocateException("no relocation is open; see 'relocate list'"),
            _ => throw new RelocateException($"{open.Count} relocations are open; name one of them: {string.Join(", ", open.Select(each => each.Id))}"),
        };
    }
}
