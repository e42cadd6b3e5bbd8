using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace StatefulRelocate.Activities.Streams;

/// <summary>JSON lines over a stream, both ways: one message a line, UTF-8, bounded, writes never interleaved.</summary>
internal sealed class JsonLines : IAsyncDisposable
{
    /// <summary>The longest line, in bytes. A request carries the outputs of all steps before it, some kilobytes each at most.</summary>
    public const int MaximumLength = 8 << 20;

    private readonly Stream _stream;
    private readonly PipeReader _reader;
    private readonly SemaphoreSlim _writing = new(1, 1);

    public JsonLines(Stream stream)
    {
        _stream = stream;
        _reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
    }

    /// <summary>The next message, or null at the end of the stream.</summary>
    /// <exception cref="StreamProtocolException">The line is too long, no JSON, or no message.</exception>
    public async Task<StreamMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                if (line.Length > MaximumLength)
                    throw TooLong();
                var message = Parse(line);
                _reader.AdvanceTo(buffer.GetPosition(1, end));
                return message;
            }

            if (buffer.Length > MaximumLength)
                throw TooLong();
            if (read.IsCompleted)
            {
                return buffer.IsEmpty ? null : throw new StreamProtocolException("the stream ended in the middle of a line");
            }

            _reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Sends a message; it is in the system's hands when this returns.</summary>
    public async Task WriteAsync(StreamMessage message, CancellationToken cancellationToken)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(message, StreamJson.Default.StreamMessage);
        if (line.Length >= MaximumLength)
            throw TooLong();
        Array.Resize(ref line, line.Length + 1);
        line[^1] = (byte)'\n';
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // A line cut in the middle would garble every later one, so once begun it is not cancelled.
            await _stream.WriteAsync(line, CancellationToken.None).ConfigureAwait(false);
            await _stream.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    private static StreamMessage Parse(ReadOnlySequence<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            var message = JsonSerializer.Deserialize(ref reader, StreamJson.Default.StreamMessage)
                ?? throw new StreamProtocolException("a line is 'null', not a message");
            // Throws when anything but white space is left of the line.
            reader.Read();
            return message;
        }
        catch (JsonException error)
        {
            throw new StreamProtocolException($"a line is no message of this protocol: {error.Message}", error);
        }
    }

    private static StreamProtocolException TooLong() => new($"a line is longer than {MaximumLength} bytes");
}
