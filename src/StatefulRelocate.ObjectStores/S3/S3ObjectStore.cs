using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>
/// Objects in a bucket of Amazon S3, MinIO or another server that speaks the protocol. Credentials come from where the AWS SDK looks for them. A
/// version tag is the object's ETag.
/// </summary>
public sealed class S3ObjectStore : IObjectStore, IConditionProbe, IDisposable
{
    private const int DeletesInOneRequest = 1000;
    private readonly AmazonS3Client _client;
    private readonly HttpClient _http;
    private readonly S3Requests _requests;
    private readonly Downloads _downloads;
    private readonly S3Conditions _conditions;

    private S3ObjectStore(S3Repository repository, HttpMessageHandler handler, RetryOptions options, TimeProvider time)
    {
        _http = StoreHttp.Client(handler);
        _client = S3Clients.Create(repository, _http);
        var retries = new RequestRetries(options, time);
        _requests = new S3Requests(_client, repository, retries);
        _downloads = new Downloads(new S3Ranges(_requests), _requests.Store);
        _conditions = new S3Conditions(_requests, new S3Uploads(_requests, new SettledPuts(retries)), time);
    }

    /// <inheritdoc />
    public string Description => _requests.Store;

    /// <inheritdoc />
    public int ConcurrentReads => StoreHttp.ConcurrentReads;

    /// <summary>Opens the store; nothing is asked of it yet.</summary>
    /// <exception cref="ObjectStoreException">The region or the profile is not known.</exception>
    /// <exception cref="Core.Errors.RelocateException">The certificates cannot be read.</exception>
    public static S3ObjectStore Open(S3Repository repository, TimeProvider time) => new(repository, StoreHttp.Handler(repository.Ca), new RetryOptions(), time);

    internal static S3ObjectStore Open(S3Repository repository, HttpMessageHandler handler, RetryOptions options, TimeProvider time) => new(repository, handler, options, time);

    /// <inheritdoc />
    public async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        return await _conditions.PutAsync(name, content, condition, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        return await _downloads.GetAsync(name, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        await _downloads.GetRangeAsync(name, offset, destination, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        var head = await _requests.RunAsync("look at", name, 0, token => _requests.HeadOnceAsync(name, token), cancellationToken).ConfigureAwait(false);
        return head is null ? null : new ObjectHead(head.ContentLength, head.ETag, Date(head.LastModified));
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _requests.Bucket, Prefix = _requests.KeyOf(prefix) };
        var last = "";
        do
        {
            var page = await _requests.RunAsync("list", prefix, 0, token => _client.ListObjectsV2Async(request, token), cancellationToken).ConfigureAwait(false);
            foreach (var found in page.S3Objects ?? [])
            {
                var name = found.Key[_requests.Before.Length..];
                if (!ObjectNames.IsObject(name))
                    continue;
                if (string.CompareOrdinal(last, name) >= 0)
                    throw new ObjectStoreException($"{Description}: the server lists '{name}' after '{last}'; a server that does not list by name in order cannot be used");
                last = name;
                yield return new ObjectInfo(name, found.Size ?? 0, Date(found.LastModified));
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    /// <inheritdoc />
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        await _requests.RunAsync("delete", name, 0, token => _client.DeleteObjectAsync(_requests.Bucket, _requests.KeyOf(name), token), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in names)
            ObjectNames.Check(name, Description);
        foreach (var some in names.Chunk(DeletesInOneRequest))
        {
            if (some.Length == 1 || !await TryDeleteAsync(some, cancellationToken).ConfigureAwait(false))
                await Parallel.ForEachAsync(some, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken }, async (name, token) => await DeleteAsync(name, token).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public async Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken)
    {
        var date = await DateHandler.OfAsync(() => _requests.RunAsync("ask the time of", "config", 0, token => _requests.HeadOnceAsync("config", token), cancellationToken)).ConfigureAwait(false);
        return date ?? throw new ObjectStoreException($"{Description}: the server does not tell its time: its answer has no Date");
    }

    /// <inheritdoc />
    public Task<ConditionKeeping> ProbeAsync(CancellationToken cancellationToken) => _conditions.ProbeAsync(cancellationToken);

    /// <inheritdoc />
    public void Remember(ConditionKeeping keeping) => _conditions.Remember(keeping);

    /// <inheritdoc />
    public void Dispose()
    {
        _client.Dispose();
        _http.Dispose();
        _conditions.Dispose();
    }

    /// <returns>False when the server does not take many at once; some may be gone nevertheless.</returns>
    private async Task<bool> TryDeleteAsync(string[] names, CancellationToken cancellationToken)
    {
        try
        {
            var request = new DeleteObjectsRequest { BucketName = _requests.Bucket, Quiet = true, Objects = [.. names.Select(name => new KeyVersion { Key = _requests.KeyOf(name) })] };
            await _requests.RunAsync("delete", $"{names[0]}' and {names.Length - 1} others '", 0, token => _client.DeleteObjectsAsync(request, token), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ObjectStoreException refused) when (refused.InnerException is DeleteObjectsException or AmazonS3Exception { ErrorCode: "NotImplemented" or "MissingContentMD5" or "MissingContentMd5" or "InvalidRequest" or "MethodNotAllowed" or "MalformedXML" })
        {
            return false;
        }
    }

    private static DateTimeOffset Date(DateTime? time) => time is { } known ? new DateTimeOffset(known.ToUniversalTime()) : DateTimeOffset.UnixEpoch;
}
