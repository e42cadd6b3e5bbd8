using System.Collections.Immutable;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Maps;

/// <summary>Goes through the records of one layer in path order.</summary>
internal sealed class LayerCursor : IDisposable
{
    private readonly LayerStream _stream;
    private readonly BinaryReader _reader;
    private TreeEntry? _entry;
    private bool _first = true, _taken = true;

    public LayerCursor(Repository repository, ImmutableArray<string> parts, CancellationToken cancellationToken)
    {
        _stream = new LayerStream(repository, parts, cancellationToken);
        _reader = new BinaryReader(_stream);
    }

    /// <summary>What the current record is about.</summary>
    public EntryKey Key { get; private set; }

    /// <summary>Goes to the next record; false at the end. The current one must have been taken.</summary>
    public bool MoveNext() => Guard(() =>
    {
        if (!_taken)
            throw new InvalidOperationException("The current record was not taken.");
        if (_stream.AtEnd)
            return false;
        var kind = _reader.ReadByte();
        var where = _stream.Where;
        _entry = kind switch
        {
            LayerWriter.PutRecord => EntryCodec.ReadIdentity(_reader, where),
            LayerWriter.RemoveRecord => null,
            _ => throw new DamageException(where, "it holds a record of an unknown kind"),
        };
        var key = _entry?.Key ?? new EntryKey(_reader.Read7BitEncodedInt(), EntryCodec.ReadText(_reader, where));
        if (!_first && key.CompareTo(Key) <= 0)
            throw new DamageException(where, $"its records are out of order at '{PathText.Show(key.Path)}'");
        (Key, _first, _taken) = (key, false, false);
        return true;
    });

    /// <summary>What the current record makes of what the layers below say; null when it takes the name away. The digest is not set.</summary>
    public TreeEntry? Take(TreeEntry? below) => Guard(() =>
    {
        _taken = true;
        if (_entry is not { } entry)
            return null;
        if (entry.Type == EntryType.File)
            return entry with { Blocks = LayerReader.ReadBlocks(_reader, _stream.Where, entry, below) };
        return entry.Size == 0 ? entry : throw new DamageException(_stream.Where, $"the entry '{PathText.Show(entry.Path)}' is impossible");
    });

    public void Dispose() => _reader.Dispose();

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or FormatException)
        {
            throw new DamageException(_stream.Where, "a record in it is cut off", error);
        }
    }
}
