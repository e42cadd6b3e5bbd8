using System.Net;
using System.Runtime.InteropServices;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Azure;

/// <summary>Single requests to a container: names, checksums, conditions, retries, and errors in words.</summary>
internal sealed class AzureRequests(BlobContainerClient container, AzureBlobRepository repository, RequestRetries retries) : IRangeSource
{
    private const string PutId = "putid";
    private readonly string _before = repository.Prefix.Length == 0 ? "" : repository.Prefix + "/";

    /// <summary>MD5, which every version of the service knows.</summary>
    public static UploadTransferValidationOptions Checked { get; } = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 };

    public BlobContainerClient Container => container;

    public string Store { get; } = repository.ToString();

    /// <summary>The part of a blob's name before the object's.</summary>
    public string Before => _before;

    public BlockBlobClient Blob(string name) => container.GetBlockBlobClient(_before + name);

    public Func<Exception, RequestFailure> Tell(string action, string name) => error => AzureFailures.Tell(error, repository, action, name);

    public Task<T> RunAsync<T>(string action, string name, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
        => retries.RunAsync(bytes, request, Tell(action, name), cancellationToken);

    /// <summary>One attempt to put a whole object.</summary>
    /// <returns>Its version, or null when the condition did not hold.</returns>
    public Task<string?> PutOnceAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, string putId, CancellationToken token)
        => UnlessRefusedAsync(condition, async () =>
        {
            var options = new BlobUploadOptions
            {
                Conditions = Conditions(condition),
                Metadata = Mark(putId),
                TransferValidation = Checked,
                // One request, whatever its size.
                TransferOptions = new StorageTransferOptions { InitialTransferSize = int.MaxValue, MaximumTransferSize = int.MaxValue, MaximumConcurrency = 1 },
            };
            return (await Blob(name).UploadAsync(StreamOf(content), options, token).ConfigureAwait(false)).Value.ETag.ToString();
        });

    /// <summary>What stands under a name, or null for nothing.</summary>
    public async Task<StandingObject?> LookAsync(string name, CancellationToken token)
        => (await HeadOnceAsync(name, token).ConfigureAwait(false))?.Value is { } head ? new StandingObject(head.ETag.ToString(), head.Metadata.TryGetValue(PutId, out var id) ? id : null) : null;

    /// <summary>One attempt to read a blob's head, or null when there is none.</summary>
    public async Task<Response<BlobProperties>?> HeadOnceAsync(string name, CancellationToken token)
    {
        try
        {
            return await Blob(name).GetPropertiesAsync(cancellationToken: token).ConfigureAwait(false);
        }
        catch (RequestFailedException error) when (error.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
    }

    public async Task<FirstRange?> FirstAsync(string name, int most, CancellationToken token)
    {
        try
        {
            using var response = (await Blob(name).DownloadStreamingAsync(new BlobDownloadOptions { Range = new HttpRange(0, most) }, token).ConfigureAwait(false)).Value;
            var content = new byte[response.Details.ContentLength];
            await response.Content.ReadExactlyAsync(content, token).ConfigureAwait(false);
            var range = response.Details.ContentRange;
            var total = range is not null && long.TryParse(range.AsSpan(range.LastIndexOf('/') + 1), out var told) ? told : content.Length;
            return new FirstRange(content, total, response.Details.ETag.ToString());
        }
        catch (RequestFailedException error) when (error.Status == (int)HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // A blob of no bytes has no range.
            return (await HeadOnceAsync(name, token).ConfigureAwait(false))?.Value is { ContentLength: 0 } head
                ? new FirstRange([], 0, head.ETag.ToString()) : throw new IOException("the object was replaced while it was read", error);
        }
        catch (RequestFailedException error) when (error.Status == (int)HttpStatusCode.PreconditionFailed)
        {
            // The library reads on after a connection that broke, on condition that it is the same blob still. To be read anew.
            throw new IOException("the object was replaced while it was read", error);
        }
        catch (RequestFailedException error) when (error.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
    }

    public async Task<RangeRead> RangeAsync(string name, long offset, Memory<byte> destination, string? version, CancellationToken token)
    {
        try
        {
            var options = new BlobDownloadOptions { Range = new HttpRange(offset, destination.Length) };
            if (version is not null)
                options.Conditions = new BlobRequestConditions { IfMatch = new ETag(version) };
            using var response = (await Blob(name).DownloadStreamingAsync(options, token).ConfigureAwait(false)).Value;
            if (response.Details.ContentLength != destination.Length)
                return RangeRead.Short;
            await response.Content.ReadExactlyAsync(destination, token).ConfigureAwait(false);
            return RangeRead.Done;
        }
        catch (RequestFailedException error) when (error.Status == (int)HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return RangeRead.Short;
        }
        catch (RequestFailedException error) when (error.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return RangeRead.Missing;
        }
        catch (RequestFailedException error) when (error.Status == (int)HttpStatusCode.PreconditionFailed)
        {
            return RangeRead.Replaced;
        }
    }

    public static BlobRequestConditions? Conditions(PutCondition condition)
        => condition.MustBeAbsent ? new BlobRequestConditions { IfNoneMatch = ETag.All }
            : condition.MatchVersion is { } version ? new BlobRequestConditions { IfMatch = new ETag(version) } : null;

    public static Dictionary<string, string> Mark(string putId) => new() { [PutId] = putId };

    /// <summary>Runs what commits a put.</summary>
    /// <returns>Null when the service says that the condition did not hold: a blob that exists is a conflict, not a failed precondition.</returns>
    public static async Task<string?> UnlessRefusedAsync(PutCondition condition, Func<Task<string>> commit)
    {
        try
        {
            return await commit().ConfigureAwait(false);
        }
        catch (RequestFailedException error) when (error.Status == (int)HttpStatusCode.PreconditionFailed
            || (condition.MustBeAbsent && error.ErrorCode == BlobErrorCode.BlobAlreadyExists)
            || (condition.MatchVersion is not null && error.ErrorCode == BlobErrorCode.BlobNotFound))
        {
            return null;
        }
    }

    public static Stream StreamOf(ReadOnlyMemory<byte> content)
        => MemoryMarshal.TryGetArray(content, out var array) ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false) : new MemoryStream(content.ToArray(), writable: false);
}
