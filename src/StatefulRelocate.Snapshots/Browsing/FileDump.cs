using StatefulRelocate.Snapshots.Chunks;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Packs;

namespace StatefulRelocate.Snapshots.Browsing;

/// <summary>Writes one file of a snapshot in order, a few segments read ahead.</summary>
internal sealed class FileDump
{
    private const int ReadAhead = 4;
    private readonly Repository _repository;
    private readonly TreeEntry _file;
    private readonly string _where;

    public FileDump(Repository repository, TreeEntry file, string where) => (_repository, _file, _where) = (repository, file, where);

    public async Task WriteAsync(Stream destination, CancellationToken cancellationToken)
    {
        var readers = new PackReader[ReadAhead];
        var running = new Queue<(List<(long Block, BlockPlace? Place)> Blocks, Task<byte[]> Content)>();
        var idle = new Queue<PackReader>();
        try
        {
            for (var i = 0; i < ReadAhead; i++)
                idle.Enqueue(readers[i] = new PackReader(_repository));
            foreach (var run in Runs())
            {
                if (running.Count == ReadAhead)
                    await DrainAsync().ConfigureAwait(false);
                var reader = idle.Dequeue();
                running.Enqueue((run, run[0].Place is { } place ? reader.ReadSegmentAsync(_repository.Index.Pack(place.Pack), place.Segment, cancellationToken) : Task.FromResult(Array.Empty<byte>())));
                idle.Enqueue(reader);
            }

            while (running.Count > 0)
                await DrainAsync().ConfigureAwait(false);
            await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (var (_, content) in running)
                await ((Task)content).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var reader in readers)
                reader.Dispose();
        }

        async Task DrainAsync()
        {
            var (blocks, pending) = running.Dequeue();
            var content = await pending.ConfigureAwait(false);
            foreach (var (block, place) in blocks)
                await destination.WriteAsync(Bytes(content, block, place), cancellationToken).ConfigureAwait(false);
        }
    }

    private ReadOnlyMemory<byte> Bytes(byte[] content, long block, BlockPlace? place)
    {
        var length = Blocks.Length(_file.Size, block);
        if (place is not { } at)
            return new byte[length];
        var bytes = content.AsMemory(at.Offset, at.Length);
        return at.Length == length && Blocks.Identify(_repository.Keys, bytes.Span) == _file.Blocks[block] ? bytes
            : throw new DamageException(_repository.Index.Pack(at.Pack).Name, $"it does not hold block {block} of '{PathText.Show(_file.Path)}'");
    }

    /// <summary>Successive blocks that stand in one segment, or are zeros, up to 256 KiB of them.</summary>
    private IEnumerable<List<(long Block, BlockPlace? Place)>> Runs()
    {
        var run = new List<(long, BlockPlace?)>();
        (int, int)? segment = null;
        for (long block = 0; block < Blocks.Count(_file.Size); block++)
        {
            var id = _file.Blocks[block];
            BlockPlace? place = id == default ? null
                : _repository.Index.Find(id) ?? throw new DamageException(_where, $"block {block} of '{PathText.Show(_file.Path)}' is in no pack that the index knows");
            var here = place is { } at ? (at.Pack, at.Segment) : ((int, int)?)null;
            if (run.Count > 0 && (here != segment || run.Count == 32))
            {
                yield return run;
                run = [];
            }

            segment = here;
            run.Add((block, place));
        }

        if (run.Count > 0)
            yield return run;
    }
}
