using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// Puts index objects in the place of those that name dead packs, and merges small ones. An index object is deleted only when others hold
/// all its tables, those of dead packs excepted, so no block is ever unknown.
/// </summary>
internal sealed class IndexRewriter
{
    /// <summary>Bytes from which on an index object is put.</summary>
    public const int Full = 16 << 20;

    private const int Small = 1 << 20, SmallOnes = 8;
    private readonly Repository _repository;
    private readonly PruneAnnouncement _announcement;

    public IndexRewriter(Repository repository, PruneAnnouncement announcement) => (_repository, _announcement) = (repository, announcement);

    /// <param name="dead">Packs that will be deleted: no index object names them afterwards.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How many index objects are gone.</returns>
    public async Task<int> RunAsync(IReadOnlySet<string> dead, CancellationToken cancellationToken)
    {
        // After the verdict and before the look: a prune that takes this one's place later knows the verdict, and carries no dead pack over; had one done so already, this put fails.
        // What is all dead is deleted without a put that would show it.
        var proof = dead.Count > 0 ? await _announcement.PutIndexAsync(ReadOnlyMemory<byte>.Empty, cancellationToken).ConfigureAwait(false) : null;
        var objects = new List<(string Name, long Size)>();
        await foreach (var (name, size, _) in _repository.Store.ListAsync("index/", cancellationToken).ConfigureAwait(false))
        {
            // Empty ones keep a name from a prune that was given up: they stay.
            if (size > KeyRing.EmptyLength)
                objects.Add((name, size));
        }

        var merging = objects.Count(o => o.Size < Small) >= SmallOnes;
        var replaced = new List<string>();
        var written = new HashSet<string>(StringComparer.Ordinal);
        using var output = new MemoryStream();
        using var writer = new BinaryWriter(output);
        foreach (var (name, size) in merging || dead.Count > 0 ? objects : [])
        {
            if (await BlockIndex.ReadAsync(_repository, name, cancellationToken).ConfigureAwait(false) is not { } tables)
                continue;
            if (!tables.Any(t => dead.Contains(t.Name)) && (!merging || size >= Small))
                continue;
            foreach (var table in tables.Where(t => !dead.Contains(t.Name) && written.Add(t.Name)))
                table.Write(writer);
            replaced.Add(name);
            if (output.Length >= Full)
                await FlushAsync().ConfigureAwait(false);
        }

        await FlushAsync().ConfigureAwait(false);
        string[] deleted = proof is null ? [.. replaced] : [.. replaced, proof];
        if (deleted.Length > 0)
            await _repository.Store.DeleteManyAsync(deleted, cancellationToken).ConfigureAwait(false);
        return replaced.Count;

        async Task FlushAsync()
        {
            writer.Flush();
            if (output.Length == 0)
                return;
            if (_announcement.Free == 0)
                throw new RelocateException($"{_repository.Store.Description}: many snapshots ended while this prune began; run it again", ExitCode.OurError);
            await _announcement.PutIndexAsync(output.GetBuffer().AsMemory(0, (int)output.Length), cancellationToken).ConfigureAwait(false);
            output.SetLength(0);
        }
    }
}
