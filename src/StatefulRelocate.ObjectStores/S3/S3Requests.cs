using System.Buffers.Binary;
using System.IO.Hashing;
using System.Net;
using System.Runtime.InteropServices;
using Amazon.S3;
using Amazon.S3.Model;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>Single requests to a bucket: keys, checksums, conditions, retries, and errors in words.</summary>
internal sealed class S3Requests(AmazonS3Client client, S3Repository repository, RequestRetries retries)
{
    private const string PutId = "put-id";
    private readonly string _before = repository.Prefix.Length == 0 ? "" : repository.Prefix + "/";
    private volatile bool _bucketSeen;
    private volatile bool _writable;

    public AmazonS3Client Client => client;

    public string Bucket => repository.Bucket;

    public string Store { get; } = repository.ToString();

    /// <summary>Whether TLS guards what is sent.</summary>
    public bool Encrypted { get; } = repository.Endpoint is not { Scheme: "http" };

    /// <summary>The part of a key before the object's name.</summary>
    public string Before => _before;

    public string KeyOf(string name) => _before + name;

    public Func<Exception, RequestFailure> Tell(string action, string name) => error => S3Failures.Tell(error, repository, action, name, _writable);

    public Task<T> RunAsync<T>(string action, string name, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
        => retries.RunAsync(bytes, async token =>
        {
            var result = await request(token).ConfigureAwait(false);
            _bucketSeen = true;
            return result;
        }, Tell(action, name), cancellationToken);

    /// <summary>One attempt to put a whole object.</summary>
    /// <returns>Its version, or null when the condition did not hold.</returns>
    public async Task<string?> PutOnceAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, string putId, CancellationToken token)
    {
        var request = new PutObjectRequest
        {
            BucketName = Bucket,
            Key = KeyOf(name),
            InputStream = StreamOf(content),
            UseChunkEncoding = false,
            // Over TLS the checksum alone guards the content; otherwise the signature covers it too.
            DisablePayloadSigning = Encrypted,
            ChecksumCRC32 = Checksum(content.Span),
            IfNoneMatch = condition.MustBeAbsent ? "*" : null,
            IfMatch = condition.MatchVersion,
        };
        request.Metadata[PutId] = putId;
        var version = await UnlessRefusedAsync(condition, async () => (await client.PutObjectAsync(request, token).ConfigureAwait(false)).ETag).ConfigureAwait(false);
        _writable = true;
        return version;
    }

    /// <summary>What stands under a name, or null for nothing.</summary>
    public async Task<StandingObject?> LookAsync(string name, CancellationToken token)
        => await HeadOnceAsync(name, token).ConfigureAwait(false) is { } head ? new StandingObject(head.ETag, head.Metadata[PutId]) : null;

    /// <summary>One attempt to read an object's head, or null when there is none.</summary>
    public async Task<GetObjectMetadataResponse?> HeadOnceAsync(string name, CancellationToken token)
    {
        try
        {
            var head = await client.GetObjectMetadataAsync(Bucket, KeyOf(name), token).ConfigureAwait(false);
            _bucketSeen = true;
            return head;
        }
        catch (AmazonS3Exception error) when (S3Failures.NeedsBody(error))
        {
            // The answer to a HEAD has no body, so it does not tell a missing bucket from a missing object, nor why access was refused.
            if (error.StatusCode != HttpStatusCode.NotFound || !_bucketSeen)
            {
                await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket, Prefix = _before, MaxKeys = 1 }, token).ConfigureAwait(false);
                _bucketSeen = true;
            }

            if (error.StatusCode != HttpStatusCode.NotFound)
                throw;
            return null;
        }
    }

    /// <summary>Runs what commits a put.</summary>
    /// <returns>Null when the store says that the condition did not hold.</returns>
    public static async Task<string?> UnlessRefusedAsync(PutCondition condition, Func<Task<string>> commit)
    {
        try
        {
            return await commit().ConfigureAwait(false);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.PreconditionFailed
            || (condition.MatchVersion is not null && error.ErrorCode is "NoSuchKey"))
        {
            return null;
        }
    }

    public static void Mark(MetadataCollection metadata, string putId) => metadata[PutId] = putId;

    public static Stream StreamOf(ReadOnlyMemory<byte> content)
        => MemoryMarshal.TryGetArray(content, out var array) ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false) : new MemoryStream(content.ToArray(), writable: false);

    /// <summary>As <c>x-amz-checksum-crc32</c> wants it.</summary>
    public static string Checksum(ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Crc32.HashToUInt32(content));
        return Convert.ToBase64String(bytes);
    }
}
