using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>Reads objects and ranges of them; large ones by ranges side by side.</summary>
internal sealed class S3Downloads(S3Requests requests)
{
    private const int RangeSize = 8 << 20;
    private const int RangesAtOnce = 4;

    /// <summary>Reads a whole object, or null when there is none.</summary>
    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (first, total, version) = await requests.RunAsync("read", name, RangeSize, token => FirstAsync(name, token), cancellationToken).ConfigureAwait(false);
            if (first is null)
                return null;
            if (first.Length == total)
                return new StoredObject(first, version);
            var content = new byte[total];
            first.CopyTo(content, 0);
            if (await RangesAsync(name, first.Length, content.AsMemory(first.Length), version, cancellationToken).ConfigureAwait(false) == Reading.Done)
                return new StoredObject(content, version);
            // It was replaced meanwhile: parts of two versions are no object.
        }
    }

    /// <summary>Reads a range of an object.</summary>
    public async Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (destination.Length == 0)
            return;
        if (await RangesAsync(name, offset, destination, version: null, cancellationToken).ConfigureAwait(false) is var reading and not Reading.Done)
            throw new ObjectStoreException($"{requests.Store}: '{name}' {(reading == Reading.Missing ? "is not there" : $"ends before the range {offset}+{destination.Length}: it is truncated")}") { ObjectAtFault = true };
    }

    private async Task<(byte[]? Content, long Total, string Version)> FirstAsync(string name, CancellationToken token)
    {
        try
        {
            var request = new GetObjectRequest { BucketName = requests.Bucket, Key = requests.KeyOf(name), ByteRange = new ByteRange(0, RangeSize - 1) };
            using var response = await requests.Client.GetObjectAsync(request, token).ConfigureAwait(false);
            var total = response.ContentRange is { } range && long.TryParse(range.AsSpan(range.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var told) ? told : response.ContentLength;
            var content = new byte[response.ContentLength];
            await response.ResponseStream.ReadExactlyAsync(content, token).ConfigureAwait(false);
            return (content, total, response.ETag);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // An object of no bytes has no range.
            return await requests.HeadOnceAsync(name, token).ConfigureAwait(false) is { ContentLength: 0 } head ? ([], 0, head.ETag) : throw new IOException("it was replaced while it was read", error);
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "NoSuchKey")
        {
            return (null, 0, "");
        }
    }

    private async Task<Reading> RangesAsync(string name, long offset, Memory<byte> destination, string? version, CancellationToken cancellationToken)
    {
        if (destination.Length <= RangeSize + (RangeSize / 2))
            return await RangeAsync(name, offset, destination, version, cancellationToken).ConfigureAwait(false);
        var outcome = Reading.Done;
        var limits = new ParallelOptions { MaxDegreeOfParallelism = RangesAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, (destination.Length + RangeSize - 1) / RangeSize, limits, async (index, token) =>
        {
            var start = index * RangeSize;
            var reading = await RangeAsync(name, offset + start, destination.Slice(start, Math.Min(RangeSize, destination.Length - start)), version, token).ConfigureAwait(false);
            if (reading != Reading.Done)
                outcome = reading;
        }).ConfigureAwait(false);
        return outcome;
    }

    private Task<Reading> RangeAsync(string name, long offset, Memory<byte> destination, string? version, CancellationToken cancellationToken)
        => requests.RunAsync("read", name, destination.Length, async token =>
        {
            try
            {
                var request = new GetObjectRequest { BucketName = requests.Bucket, Key = requests.KeyOf(name), ByteRange = new ByteRange(offset, offset + destination.Length - 1), EtagToMatch = version };
                using var response = await requests.Client.GetObjectAsync(request, token).ConfigureAwait(false);
                if (response.ContentLength != destination.Length)
                    return Reading.Short;
                // Short of the length that was told, the connection broke: another attempt.
                await response.ResponseStream.ReadExactlyAsync(destination, token).ConfigureAwait(false);
                return Reading.Done;
            }
            catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return Reading.Short;
            }
            catch (AmazonS3Exception error) when (error.ErrorCode is "NoSuchKey")
            {
                return Reading.Missing;
            }
            catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.PreconditionFailed)
            {
                return Reading.Replaced;
            }
        }, cancellationToken);

    private enum Reading
    {
        Done,
        Missing,
        Short,
        Replaced,
    }
}
