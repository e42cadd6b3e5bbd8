using System.Runtime.CompilerServices;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Azure;

/// <summary>Objects as block blobs in a container of Azure Blob Storage. A version tag is the blob's ETag, which is new with each put.</summary>
public sealed class AzureBlobObjectStore : IObjectStore, IDisposable
{
    private const int DeletesAtOnce = 16;
    private readonly HttpClient _http;
    private readonly AzureRequests _requests;
    private readonly AzureUploads _uploads;
    private readonly Downloads _downloads;

    private AzureBlobObjectStore(AzureBlobRepository repository, HttpMessageHandler handler, RetryOptions options, TimeProvider time, Func<string, string?> variables)
    {
        _http = StoreHttp.Client(handler);
        var client = new BlobClientOptions
        {
            Transport = new HttpClientTransport(_http),
            // A lost answer must not be hidden by a silent second attempt: a conditional put is settled by a look first.
            Retry = { MaxRetries = 0, NetworkTimeout = TimeSpan.FromHours(1) },
            Diagnostics = { IsLoggingEnabled = false, IsDistributedTracingEnabled = false, IsTelemetryEnabled = false },
        };
        var retries = new RequestRetries(options, time);
        _requests = new AzureRequests(AzureCredentials.Open(repository, client, variables), repository, retries);
        _uploads = new AzureUploads(_requests, new SettledPuts(retries));
        _downloads = new Downloads(_requests, Description);
    }

    /// <inheritdoc />
    public string Description => _requests.Store;

    /// <inheritdoc />
    public int ConcurrentReads => StoreHttp.ConcurrentReads;

    /// <summary>Opens the store; nothing is asked of it yet.</summary>
    /// <exception cref="ObjectStoreException">The credentials in the environment are malformed or for another account.</exception>
    /// <exception cref="Core.Errors.RelocateException">The certificates cannot be read.</exception>
    public static AzureBlobObjectStore Open(AzureBlobRepository repository, TimeProvider time) => new(repository, StoreHttp.Handler(repository.Ca), new RetryOptions(), time, Environment.GetEnvironmentVariable);

    internal static AzureBlobObjectStore Open(AzureBlobRepository repository, HttpMessageHandler handler, RetryOptions options, TimeProvider time, Func<string, string?> variables)
        => new(repository, handler, options, time, variables);

    /// <inheritdoc />
    public async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        return await _uploads.PutAsync(name, content, condition, cancellationToken).ConfigureAwait(false);
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
        return head?.Value is { } found ? new ObjectHead(found.ContentLength, found.ETag.ToString(), found.LastModified) : null;
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The order of the service is not the ordinal one where accounts have folders, so all is read before the first is told.
        var objects = new List<ObjectInfo>();
        string? continuation = null;
        do
        {
            var page = await _requests.RunAsync("list", prefix, 0, token => PageAsync(prefix, continuation, token), cancellationToken).ConfigureAwait(false);
            foreach (var blob in page.Values)
            {
                var name = blob.Name[_requests.Before.Length..];
                if (ObjectNames.IsObject(name))
                    objects.Add(new ObjectInfo(name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? DateTimeOffset.UnixEpoch));
            }

            continuation = page.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(continuation));

        objects.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (var found in objects)
            yield return found;
    }

    /// <inheritdoc />
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Check(name, Description);
        await _requests.RunAsync("delete", name, 0, token => _requests.Blob(name).DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: token), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
        => Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = cancellationToken }, async (name, token) => await DeleteAsync(name, token).ConfigureAwait(false));

    /// <inheritdoc />
    public async Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken)
    {
        var date = await DateHandler.OfAsync(() => _requests.RunAsync("ask the time of", "config", 0, token => _requests.HeadOnceAsync("config", token), cancellationToken)).ConfigureAwait(false);
        return date ?? throw new ObjectStoreException($"{Description}: the server does not tell its time: its answer has no Date");
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<global::Azure.Page<BlobItem>> PageAsync(string prefix, string? continuation, CancellationToken token)
    {
        await foreach (var page in _requests.Container.GetBlobsAsync(BlobTraits.None, BlobStates.None, _requests.Before + prefix, token).AsPages(continuation).ConfigureAwait(false))
            return page;
        throw new IOException("the list has no page");
    }
}
