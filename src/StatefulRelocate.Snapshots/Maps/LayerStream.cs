using System.Collections.Immutable;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>The records of a layer, one part after another; the next part is fetched while one is read.</summary>
internal sealed class LayerStream : Stream
{
    private readonly Repository _repository;
    private readonly ImmutableArray<string> _parts;
    private readonly CancellationToken _cancellationToken;
    private byte[] _part = [];
    private int _position, _next;
    private Task<byte[]>? _coming;

    public LayerStream(Repository repository, ImmutableArray<string> parts, CancellationToken cancellationToken)
    {
        (_repository, _parts, _cancellationToken) = (repository, parts, cancellationToken);
        Fetch();
    }

    /// <summary>The part being read, for messages.</summary>
    public string Where => _parts.IsDefaultOrEmpty ? "maps/" : _parts[Math.Clamp(_next - (_coming is null ? 1 : 2), 0, _parts.Length - 1)];

    public bool AtEnd => _position == _part.Length && !Advance();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (AtEnd)
            return 0;
        var count = Math.Min(buffer.Length, _part.Length - _position);
        _part.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int ReadByte() => AtEnd ? -1 : _part[_position++];

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private bool Advance()
    {
        while (_coming is not null && _position == _part.Length)
        {
            (_part, _position) = (_coming.GetAwaiter().GetResult(), 0);
            Fetch();
        }

        return _position < _part.Length;
    }

    private void Fetch()
    {
        _coming = null;
        if (_parts.IsDefaultOrEmpty || _next == _parts.Length)
            return;
        var part = _parts[_next++];
        if (!part.StartsWith("maps/", StringComparison.Ordinal))
            throw new DamageException(part, "it is no part of a tree");
        _coming = Task.Run(() => FetchAsync(part), _cancellationToken);
    }

    private async Task<byte[]> FetchAsync(string part)
    {
        var stored = await _repository.Store.GetAsync(part, _cancellationToken).ConfigureAwait(false) ?? throw new DamageException(part, "it is missing");
        return LayerReader.Decompress(part, _repository.Keys.Open("map", part, stored.Content));
    }
}
