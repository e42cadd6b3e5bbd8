using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>Puts objects: small ones with one request, large ones in parts that go side by side and appear together.</summary>
internal sealed class S3Uploads(S3Requests requests, SettledPuts puts)
{
    /// <summary>Above this an object goes up in parts. Packs stay below: one request each, several of them under way.</summary>
    public const int MostInOneRequest = 32 << 20;

    private const int PartSize = 8 << 20;
    private const int PartsAtOnce = 4;
    private static readonly TimeSpan s_cleanUp = TimeSpan.FromSeconds(5);

    /// <summary>Puts under a condition that the store keeps.</summary>
    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        var id = SettledPuts.NewId();
        return content.Length > MostInOneRequest
            ? PutPartsAsync(name, id, content, condition, cancellationToken)
            : SettleAsync(name, id, content.Length, condition, token => requests.PutOnceAsync(name, content, condition, id, token), cancellationToken);
    }

    private Task<string?> SettleAsync(string name, string id, long bytes, PutCondition condition, Func<CancellationToken, Task<string?>> put, CancellationToken cancellationToken)
        => puts.RunAsync($"{requests.Store}: '{name}'", id, bytes, condition, put, token => requests.LookAsync(name, token), requests.Tell("write", name), cancellationToken);

    private async Task<string?> PutPartsAsync(string name, string id, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        var begin = new InitiateMultipartUploadRequest { BucketName = requests.Bucket, Key = requests.KeyOf(name), ChecksumAlgorithm = ChecksumAlgorithm.CRC32 };
        S3Requests.Mark(begin.Metadata, id);
        var upload = (await requests.RunAsync("begin to write", name, 0, token => requests.Client.InitiateMultipartUploadAsync(begin, token), cancellationToken).ConfigureAwait(false)).UploadId;
        string? version = null;
        try
        {
            var parts = new PartETag[(content.Length + PartSize - 1) / PartSize];
            var limits = new ParallelOptions { MaxDegreeOfParallelism = PartsAtOnce, CancellationToken = cancellationToken };
            await Parallel.ForAsync(0, parts.Length, limits, async (index, token) =>
                parts[index] = await PutPartAsync(name, upload, index + 1, content.Slice(index * PartSize, Math.Min(PartSize, content.Length - (index * PartSize))), token).ConfigureAwait(false)).ConfigureAwait(false);
            var complete = new CompleteMultipartUploadRequest
            {
                BucketName = requests.Bucket,
                Key = requests.KeyOf(name),
                UploadId = upload,
                PartETags = [.. parts],
                IfNoneMatch = condition.MustBeAbsent ? "*" : null,
                IfMatch = condition.MatchVersion,
            };
            return version = await SettleAsync(name, id, 0, condition, async token =>
            {
                try
                {
                    return await S3Requests.UnlessRefusedAsync(condition, async () => (await requests.Client.CompleteMultipartUploadAsync(complete, token).ConfigureAwait(false)).ETag).ConfigureAwait(false);
                }
                catch (AmazonS3Exception error) when (error.ErrorCode == "NoSuchUpload")
                {
                    // An upload is completed once: an earlier attempt may have done it without an answer.
                    var standing = await requests.LookAsync(name, token).ConfigureAwait(false);
                    if (standing?.PutId != id)
                        throw;
                    return standing.Version;
                }
            }, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (version is null)
                await AbortAsync(name, upload).ConfigureAwait(false);
        }
    }

    private Task<PartETag> PutPartAsync(string name, string upload, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        => requests.RunAsync("write", name, content.Length, async token =>
        {
            var request = new UploadPartRequest
            {
                BucketName = requests.Bucket,
                Key = requests.KeyOf(name),
                UploadId = upload,
                PartNumber = number,
                PartSize = content.Length,
                InputStream = S3Requests.StreamOf(content),
                UseChunkEncoding = false,
                DisablePayloadSigning = requests.Encrypted,
                ChecksumCRC32 = S3Requests.Checksum(content.Span),
            };
            var response = await requests.Client.UploadPartAsync(request, token).ConfigureAwait(false);
            return new PartETag(number, response.ETag) { ChecksumCRC32 = response.ChecksumCRC32 };
        }, cancellationToken);

    private async Task AbortAsync(string name, string upload)
    {
        using var limit = new CancellationTokenSource(s_cleanUp);
        try
        {
            await requests.Client.AbortMultipartUploadAsync(requests.Bucket, requests.KeyOf(name), upload, limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is AmazonServiceException or HttpRequestException or IOException or OperationCanceledException or AmazonClientException)
        {
            // Parts of an upload that was never completed are no object; the bucket's own rules remove them.
        }
    }
}
