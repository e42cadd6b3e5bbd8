using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Cli.Running;

/// <summary>Where relocations run, as the commands see it. Whatever is wrong is a <see cref="RelocateException"/>.</summary>
internal interface IRelocationEngine : IDisposable
{
    /// <summary>All relocations, oldest first.</summary>
    Task<IReadOnlyList<ListedRelocation>> ListAsync(CancellationToken cancellationToken);

    /// <summary>The id of the relocation that the user means.</summary>
    /// <param name="id">What he wrote: an id, its beginning, or nothing: the only open one.</param>
    /// <param name="openOnly">Whether the last one will not do when nothing was written and none is open.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<string> FindAsync(string? id, bool openOnly, CancellationToken cancellationToken);

    /// <summary>The relocation of that id.</summary>
    Task<IRelocationLog> OpenAsync(string id, CancellationToken cancellationToken);

    /// <summary>Sees what would be wrong before anything is touched.</summary>
    Task CheckAsync(RelocationSpec spec, CancellationToken cancellationToken);

    /// <summary>Starts a relocation; from then on it survives the death of any process.</summary>
    Task<IRelocationLog> StartAsync(RelocationPlan plan, IReadOnlyList<Fault> faults, CancellationToken cancellationToken);

    /// <summary>Says something to a relocation.</summary>
    /// <param name="id">The relocation.</param>
    /// <param name="signal">What.</param>
    /// <param name="signalId">It counts once, whatever is sent again under this id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What the machine made of it.</returns>
    Task<SignalAnswer> SendAsync(string id, Signal signal, string signalId, CancellationToken cancellationToken);

    /// <summary>Sees to it that a relocation which lost what ran it can be carried on.</summary>
    /// <returns>Whether it had lost it.</returns>
    Task<bool> ReviveAsync(string id, CancellationToken cancellationToken);

    /// <summary>Carries it on, or follows whoever does, until it is over or needs a person.</summary>
    Task CarryOnAsync(RelocationView view, CancellationToken cancellationToken);

    /// <summary>What becomes of a relocation that is left in the middle.</summary>
    string Left(string id);
}

/// <summary>A relocation in a list.</summary>
/// <param name="Id">The id.</param>
/// <param name="StartedAt">When it was started (UTC).</param>
/// <param name="Open">Whether it is not over.</param>
/// <param name="Describe">Says where it is, in a few words.</param>
internal sealed record ListedRelocation(string Id, DateTimeOffset StartedAt, bool Open, Func<string> Describe)
{
    /// <summary>The id of the one that the user means; see <see cref="IRelocationEngine.FindAsync"/>.</summary>
    /// <exception cref="RelocateException">There is none, or more than one.</exception>
    public static string Find(IReadOnlyList<ListedRelocation> all, string? id, bool openOnly)
    {
        if (id is not null)
        {
            var named = all.Where(each => each.Id == id).ToList();
            if (named.Count == 0)
                named = all.Where(each => each.Id.StartsWith(id, StringComparison.Ordinal)).ToList();
            return named switch
            {
                [var one] => one.Id,
                [] => throw new RelocateException($"no relocation '{id}'; see 'relocate list'"),
                _ => throw new RelocateException($"'{id}' begins the ids of {named.Count} relocations; write more of it, see 'relocate list'"),
            };
        }

        var open = all.Where(each => each.Open).ToList();
        return (open, all) switch
        {
            ([var only], _) => only.Id,
            ([], [.., var last]) when !openOnly => last.Id,
            ([], _) => throw new RelocateException("no relocation is open; see 'relocate list'"),
            _ => throw new RelocateException($"{open.Count} relocations are open; name one of them: {string.Join(", ", open.Select(each => each.Id))}"),
        };
    }
}
