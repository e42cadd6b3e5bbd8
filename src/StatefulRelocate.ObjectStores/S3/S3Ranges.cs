using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using StatefulRelocate.ObjectStores.Requests;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>Reads parts of objects in a bucket.</summary>
internal sealed class S3Ranges(S3Requests requests) : IRangeSource
{
    public Task<T> RunAsync<T>(string action, string name, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
        => requests.RunAsync(action, name, bytes, request, cancellationToken);

    public async Task<FirstRange?> FirstAsync(string name, int most, CancellationToken token)
    {
        try
        {
            var request = new GetObjectRequest { BucketName = requests.Bucket, Key = requests.KeyOf(name), ByteRange = new ByteRange(0, most - 1) };
            using var response = await requests.Client.GetObjectAsync(request, token).ConfigureAwait(false);
            var total = response.ContentRange is { } range && long.TryParse(range.AsSpan(range.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var told) ? told : response.ContentLength;
            var content = new byte[response.ContentLength];
            await response.ResponseStream.ReadExactlyAsync(content, token).ConfigureAwait(false);
            return new FirstRange(content, total, response.ETag);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // An object of no bytes has no range.
            return await requests.HeadOnceAsync(name, token).ConfigureAwait(false) is { ContentLength: 0 } head
                ? new FirstRange([], 0, head.ETag) : throw new IOException("the object was replaced while it was read", error);
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "NoSuchKey")
        {
            return null;
        }
    }

    public async Task<RangeRead> RangeAsync(string name, long offset, Memory<byte> destination, string? version, CancellationToken token)
    {
        try
        {
            var request = new GetObjectRequest { BucketName = requests.Bucket, Key = requests.KeyOf(name), ByteRange = new ByteRange(offset, offset + destination.Length - 1), EtagToMatch = version };
            using var response = await requests.Client.GetObjectAsync(request, token).ConfigureAwait(false);
            if (response.ContentLength != destination.Length)
                return RangeRead.Short;
            await response.ResponseStream.ReadExactlyAsync(destination, token).ConfigureAwait(false);
            return RangeRead.Done;
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return RangeRead.Short;
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "NoSuchKey")
        {
            return RangeRead.Missing;
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            return RangeRead.Replaced;
        }
    }
}
