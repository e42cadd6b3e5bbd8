using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines;

namespace StatefulRelocate.Cli.Running.Embedded;

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
}
