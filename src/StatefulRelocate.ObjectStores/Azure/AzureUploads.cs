using System.Globalization;
using System.Text;
using Azure;
using Azure.Storage.Blobs.Models;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Azure;

/// <summary>Puts blobs: small ones with one request, large ones in blocks that go side by side and appear together.</summary>
internal sealed class AzureUploads(AzureRequests requests, SettledPuts puts)
{
    private const int MostInOneRequest = 32 << 20;
    private const int BlockSize = 8 << 20;
    private const int BlocksAtOnce = 4;

    public async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        var id = SettledPuts.NewId();
        if (content.Length <= MostInOneRequest)
            return await SettleAsync(name, id, content.Length, condition, token => requests.PutOnceAsync(name, content, condition, id, token), cancellationToken).ConfigureAwait(false);
        var blocks = Enumerable.Range(0, (content.Length + BlockSize - 1) / BlockSize)
            .Select(index => Convert.ToBase64String(Encoding.ASCII.GetBytes(id + index.ToString("d6", CultureInfo.InvariantCulture)))).ToList();
        var limits = new ParallelOptions { MaxDegreeOfParallelism = BlocksAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, blocks.Count, limits, async (index, token) =>
            await PutBlockAsync(name, blocks[index], content.Slice(index * BlockSize, Math.Min(BlockSize, content.Length - (index * BlockSize))), token).ConfigureAwait(false)).ConfigureAwait(false);
        var commit = new CommitBlockListOptions { Conditions = AzureRequests.Conditions(condition), Metadata = AzureRequests.Mark(id) };
        return await SettleAsync(name, id, 0, condition, token => CommitAsync(name, id, blocks, commit, condition, token), cancellationToken).ConfigureAwait(false);
    }

    private Task<string?> SettleAsync(string name, string id, long bytes, PutCondition condition, Func<CancellationToken, Task<string?>> put, CancellationToken cancellationToken)
        => puts.RunAsync($"{requests.Store}: '{name}'", id, bytes, condition, put, token => requests.LookAsync(name, token), requests.Tell("write", name), cancellationToken);

    private Task<Response<BlockInfo>> PutBlockAsync(string name, string block, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        => requests.RunAsync("write", name, content.Length, async token =>
        {
            using var stream = AzureRequests.StreamOf(content);
            return await requests.Blob(name).StageBlockAsync(block, stream, new BlockBlobStageBlockOptions { TransferValidation = AzureRequests.Checked }, token).ConfigureAwait(false);
        }, cancellationToken);

    private async Task<string?> CommitAsync(string name, string id, List<string> blocks, CommitBlockListOptions options, PutCondition condition, CancellationToken token)
    {
        try
        {
            return await AzureRequests.UnlessRefusedAsync(condition, async () =>
                (await requests.Blob(name).CommitBlockListAsync(blocks, options, token).ConfigureAwait(false)).Value.ETag.ToString()).ConfigureAwait(false);
        }
        catch (RequestFailedException error) when (error.ErrorCode == BlobErrorCode.InvalidBlockList)
        {
            // Whoever commits drops the blocks that others have staged: an earlier attempt of this put, or another writer.
            var standing = await requests.LookAsync(name, token).ConfigureAwait(false);
            if (standing?.PutId == id)
                return standing.Version;
            if (condition.MustBeAbsent ? standing is null : condition.MatchVersion is null || standing?.Version == condition.MatchVersion)
                throw;
            return null;
        }
    }
}
