using System.Buffers;
using System.Threading.Channels;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Hands items to the sequencer in order; rows that stand are gathered, many to an item.</summary>
internal sealed class RoundOutput(ChannelWriter<RoundItem> items, RoundCounters counters)
{
    private const int RowsLength = 64 * 1024;
    private byte[] _rows = [];
    private int _filled, _count;

    public ValueTask KeepAsync(ReadOnlySpan<byte> row, CancellationToken cancellationToken)
    {
        var full = _filled + row.Length > _rows.Length ? TakeRows() : null;
        if (_filled + row.Length > _rows.Length)
            _rows = ArrayPool<byte>.Shared.Rent(Math.Max(RowsLength, row.Length));
        row.CopyTo(_rows.AsSpan(_filled));
        _filled += row.Length;
        _count++;
        return full is null ? ValueTask.CompletedTask : items.WriteAsync(full, cancellationToken);
    }

    public async ValueTask PutAsync(RoundItem item, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        if (item is not GoneName)
            counters.Pass(1);
        await items.WriteAsync(item, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => TakeRows() is { } rows ? items.WriteAsync(rows, cancellationToken) : ValueTask.CompletedTask;

    private KeptRows? TakeRows()
    {
        if (_filled == 0)
            return null;
        counters.Pass(_count);
        var rows = new KeptRows(_rows, _filled);
        (_rows, _filled, _count) = ([], 0, 0);
        return rows;
    }
}
