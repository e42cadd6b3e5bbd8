using System.Net;

namespace StatefulRelocate.TestSupport.Faults;

/// <summary>A real server behind a line and a gateway that fail as the plan says.</summary>
public sealed class FaultyHttpHandler(HttpMessageHandler inner, FaultPlan plan) : DelegatingHandler(inner)
{
    /// <inheritdoc />
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        switch (plan.Next())
        {
            case Fault.Delay:
                await Task.Delay(plan.Number(20), cancellationToken);
                return await base.SendAsync(request, cancellationToken);
            case Fault.Drop:
                throw new HttpRequestException("dropped, as the test wants it");
            case Fault.ServerError:
                return Answer(HttpStatusCode.InternalServerError);
            case Fault.Unavailable:
                return Answer(HttpStatusCode.ServiceUnavailable);
            case Fault.TooMany:
                return Answer(HttpStatusCode.TooManyRequests);
            case Fault.LostAnswer:
                using (await base.SendAsync(request, cancellationToken))
                    throw new HttpRequestException("the answer was lost, as the test wants it");
            case Fault.Truncate:
                var response = await base.SendAsync(request, cancellationToken);
                if (request.Method == HttpMethod.Get && response.IsSuccessStatusCode && response.Content.Headers.ContentLength is > 1 and var length)
                    response.Content = new CutContent(response.Content, plan.Number((int)Math.Min(length, int.MaxValue)));
                return response;
            default:
                return await base.SendAsync(request, cancellationToken);
        }

        HttpResponseMessage Answer(HttpStatusCode status) => new(status) { RequestMessage = request, Content = new ByteArrayContent([]) };
    }

    /// <summary>Content that tells its whole length and breaks off before.</summary>
    private sealed class CutContent : HttpContent
    {
        private readonly HttpContent _whole;
        private readonly int _length;

        public CutContent(HttpContent whole, int length)
        {
            (_whole, _length) = (whole, length);
            foreach (var (name, values) in whole.Headers)
                Headers.TryAddWithoutValidation(name, values);
        }

        protected override async Task<Stream> CreateContentReadStreamAsync() => new CutStream(await _whole.ReadAsStreamAsync(), _length);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            using var cut = await CreateContentReadStreamAsync();
            await cut.CopyToAsync(stream);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _whole.Headers.ContentLength ?? 0;
            return true;
        }
    }

    private sealed class CutStream(Stream whole, int left) : Stream
    {
        private int _left = left;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_left == 0)
                throw new IOException("the connection broke, as the test wants it");
            var read = await whole.ReadAsync(buffer[..Math.Min(_left, buffer.Length)], cancellationToken);
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                whole.Dispose();
            base.Dispose(disposing);
        }
    }
}
