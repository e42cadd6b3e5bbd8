using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>
/// Keeps the conditions of puts: by the server where it can, else by claims. A claim is an object below <c>.claims/NAME/</c> with a random
/// name. A writer puts its claim, then lists: only while its own is the only one does it look, put and withdraw. Of two, the later to put
/// its claim sees the other's, so never are two at it; of those that wait, the one with the lowest name stays and the others withdraw. The
/// claim of a writer that died is removed when it is older than <see cref="s_abandoned"/> by the store's own clock: no request signed before it
/// was abandoned is still taken by then, since a server refuses those that are 15 minutes old.
/// </summary>
internal sealed class S3Conditions(S3Requests requests, S3Uploads uploads, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_abandoned = TimeSpan.FromMinutes(45);
    private static readonly TimeSpan s_longestHold = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_withdrawal = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _probing = new(1, 1);
    private volatile object? _keeping;

    public void Remember(ConditionKeeping keeping) => _keeping = keeping;

    public async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        => condition == PutCondition.Always || await KeepingAsync(cancellationToken).ConfigureAwait(false) == ConditionKeeping.Store
            ? await uploads.PutAsync(name, content, condition, cancellationToken).ConfigureAwait(false)
            : await PutClaimedAsync(name, content, condition, cancellationToken).ConfigureAwait(false);

    /// <summary>Puts what must be refused, and sees whether it is.</summary>
    public async Task<ConditionKeeping> ProbeAsync(CancellationToken cancellationToken)
    {
        var name = ".probe/" + SettledPuts.NewId();
        try
        {
            if (await TryAsync(PutCondition.Always, cancellationToken).ConfigureAwait(false) is null)
                throw new ObjectStoreException($"{requests.Store}: the server answers a put without condition as one whose condition does not hold");
            var kept = await TryAsync(PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is null
                && await TryAsync(PutCondition.IfMatch("\"00000000000000000000000000000000\""), cancellationToken).ConfigureAwait(false) is null;
            var keeping = kept ? ConditionKeeping.Store : ConditionKeeping.Claims;
            Remember(keeping);
            return keeping;
        }
        finally
        {
            await RemoveAsync(name).ConfigureAwait(false);
        }

        // The version when the put took effect, the empty word when the server does not know such a condition, null when it refused.
        Task<string?> TryAsync(PutCondition condition, CancellationToken cancellation) => requests.RunAsync("try conditions on", name, 0, async token =>
        {
            try
            {
                return await requests.PutOnceAsync(name, "probe"u8.ToArray(), condition, name, token).ConfigureAwait(false);
            }
            catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.NotImplemented || error.ErrorCode is "NotImplemented" or "InvalidArgument" or "InvalidRequest")
            {
                return "";
            }
        }, cancellation);
    }

    public void Dispose() => _probing.Dispose();

    private async Task<ConditionKeeping> KeepingAsync(CancellationToken cancellationToken)
    {
        if (_keeping is ConditionKeeping known)
            return known;
        await _probing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _keeping is ConditionKeeping found ? found : await ProbeAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _probing.Release();
        }
    }

    private async Task<string?> PutClaimedAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var claim = $".claims/{name}/{SettledPuts.NewId()}";
            var claimed = time.GetTimestamp();
            try
            {
                await requests.RunAsync("claim", name, 0, token => requests.PutOnceAsync(claim, "claim"u8.ToArray(), PutCondition.Always, claim, token), cancellationToken).ConfigureAwait(false);
                var others = await OthersAsync(name, claim, cancellationToken).ConfigureAwait(false);
                while (others.Count > 0 && string.CompareOrdinal(claim, others[0]) < 0 && time.GetElapsedTime(began) < s_patience)
                {
                    await PauseAsync(cancellationToken).ConfigureAwait(false);
                    others = await OthersAsync(name, claim, cancellationToken).ConfigureAwait(false);
                }

                if (others.Count == 0)
                {
                    var standing = await requests.RunAsync("look at", name, 0, token => requests.LookAsync(name, token), cancellationToken).ConfigureAwait(false);
                    if (condition.MustBeAbsent ? standing is not null : standing?.Version != condition.MatchVersion)
                        return null;
                    using var hold = new CancellationTokenSource(s_longestHold - time.GetElapsedTime(claimed), time);
                    using var linked = CancellationTokenSource.CreateLinkedTokenSource(hold.Token, cancellationToken);
                    return await uploads.PutAsync(name, content, PutCondition.Always, linked.Token).ConfigureAwait(false);
                }

                if (time.GetElapsedTime(began) >= s_patience)
                    throw new ObjectStoreException($"{requests.Store}: cannot write '{name}': another writer claims it ('{requests.KeyOf(others[0])}'); if that one is gone, delete that object, or wait {s_abandoned.TotalMinutes:0} minutes");
            }
            finally
            {
                await RemoveAsync(claim).ConfigureAwait(false);
            }

            await PauseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<List<string>> OthersAsync(string name, string own, CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = requests.Bucket, Prefix = requests.KeyOf($".claims/{name}/") };
        ListObjectsV2Response? page = null;
        var now = await DateHandler.OfAsync(async () => page = await requests.RunAsync("list the claims to", name, 0, token => requests.Client.ListObjectsV2Async(request, token), cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var others = new List<string>();
        foreach (var found in page!.S3Objects ?? [])
        {
            var claim = found.Key[requests.Before.Length..];
            if (claim == own)
                continue;
            if (now - found.LastModified > s_abandoned)
                await RemoveAsync(claim).ConfigureAwait(false);
            else
                others.Add(claim);
        }

        return others;
    }

    private Task PauseAsync(CancellationToken cancellationToken) => Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(10, 100)), time, cancellationToken);

    private async Task RemoveAsync(string name)
    {
        using var limit = new CancellationTokenSource(s_withdrawal, time);
        try
        {
            await requests.RunAsync("remove", name, 0, token => requests.Client.DeleteObjectAsync(requests.Bucket, requests.KeyOf(name), token), limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ObjectStoreException or OperationCanceledException)
        {
            // What is left is old one day, and then ignored and removed.
        }
    }
}
