using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// A prune carries tables of packs over into new index objects, so it relies on those packs as a writer does, and announces itself as one;
/// with the names of the index objects that it may put. Who gives it up puts empty ones there, so that it cannot any more.
/// </summary>
internal sealed class PruneAnnouncement : IAsyncDisposable
{
    private const string Start = WriterAnnouncement.Prefix + "prune.";
    private readonly Repository _repository;
    private readonly Queue<string> _free;

    private PruneAnnouncement(Repository repository, string name, IEnumerable<string> index) => (_repository, Name, _free) = (repository, name, new(index));

    public string Name { get; }

    /// <summary>Whether an announcement is that of a prune. No snapshot has the id <c>prune</c>: its manifest would be refused.</summary>
    public static bool Is(string name) => name.StartsWith(Start, StringComparison.Ordinal) && name.LastIndexOf('.') == Start.Length - 1;

    /// <summary>How many index objects it may still put.</summary>
    public int Free => _free.Count;

    public static async Task<PruneAnnouncement> BeginAsync(Repository repository, int indexObjects, CancellationToken cancellationToken)
    {
        var name = Start + RandomHex(4);
        ImmutableArray<string> index = [.. Enumerable.Range(0, indexObjects).Select(_ => "index/" + RandomHex(16))];
        var note = new WriterNote { Machine = Environment.MachineName, Process = Environment.ProcessId, Index = index };
        var content = JsonSerializer.SerializeToUtf8Bytes(note, RetentionJson.Default.WriterNote);
        await repository.Store.PutAsync(name, repository.Keys.Seal("writer", name, content), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        return new PruneAnnouncement(repository, name, index);
    }

    /// <summary>Puts an index object under one of the announced names; which.</summary>
    /// <exception cref="RelocateException">Another prune has taken this one's place.</exception>
    public async Task<string> PutIndexAsync(ReadOnlyMemory<byte> tables, CancellationToken cancellationToken)
    {
        var name = _free.Dequeue();
        if (await _repository.Store.PutAsync(name, _repository.Keys.Seal("index", name, tables.Span), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is null)
            throw new RelocateException($"{_repository.Store.Description}: this prune took so long that another one gave it up; run it again", ExitCode.OurError);
        return name;
    }

    /// <summary>
    /// Takes all other prunes' place, dead or alive: the names that they announced and did not use are taken away from them, so that from here on
    /// this one alone changes the index. What they may still delete is decided already, and deleted twice does no harm.
    /// </summary>
    public async Task TakeOverAsync(CancellationToken cancellationToken)
    {
        var others = new List<string>();
        await foreach (var (name, _, _) in _repository.Store.ListAsync(Start, cancellationToken).ConfigureAwait(false))
        {
            if (Is(name) && name != Name)
                others.Add(name);
        }

        foreach (var other in others)
        {
            foreach (var name in (await WriterAnnouncement.ReadAsync(_repository, other, cancellationToken).ConfigureAwait(false))?.Index ?? [])
                await _repository.Store.PutAsync(name, _repository.Keys.Seal("index", name, []), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
            await _repository.Store.DeleteAsync(other, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _repository.Store.DeleteAsync(Name, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectStoreException)
        {
            // It only delays the next prune until that gives it up.
        }
    }

    private static string RandomHex(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
