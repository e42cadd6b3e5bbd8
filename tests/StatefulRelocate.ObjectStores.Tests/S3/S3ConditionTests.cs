using System.Net;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.ObjectStores.S3;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.ObjectStores.Tests.S3;

/// <summary>Servers that keep no conditions: found out once, remembered by the repository, and made up for by claims.</summary>
public sealed class S3ConditionTests(TestServers servers)
{
    private readonly string _prefix = TestServers.NewPrefix();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_keeps_conditions_is_known_by_its_refusals()
    {
        using var store = await OpenAsync(static (_, send) => send());
        Assert.Equal(ConditionKeeping.Store, await store.ProbeAsync(Cancellation));
        Assert.Empty(await LeftAsync());
    }

    [Fact]
    public async Task A_server_that_ignores_conditions_is_known_by_what_it_takes()
    {
        using var store = await OpenAsync(IgnoringConditions);
        Assert.Equal(ConditionKeeping.Claims, await store.ProbeAsync(Cancellation));
        Assert.Empty(await LeftAsync());
    }

    [Fact]
    public async Task A_server_that_knows_no_conditions_is_known_by_its_words()
    {
        using var store = await OpenAsync(static (request, send) => HasCondition(request) ? Task.FromResult(new HttpResponseMessage(HttpStatusCode.NotImplemented)
        {
            RequestMessage = request,
            Content = new StringContent("<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented.</Message></Error>"),
        }) : send());
        Assert.Equal(ConditionKeeping.Claims, await store.ProbeAsync(Cancellation));
    }

    [Fact]
    public async Task A_repository_remembers_who_keeps_conditions_and_nobody_asks_again()
    {
        var key = RepositoryKey.FromPassphrase("correct horse battery staple");
        using (var store = await OpenAsync(IgnoringConditions))
            await Repository.InitializeAsync(store, key, Cancellation);

        // Opened through a line without such a gateway, as from another machine: the writers go on to claim.
        var seen = new List<string>();
        using var other = await OpenAsync((request, send) =>
        {
            lock (seen)
                seen.Add($"{request.Method} {request.RequestUri!.AbsolutePath}{(HasCondition(request) ? " under a condition" : "")}");
            return send();
        });
        await Repository.OpenAsync(other, key, Cancellation);
        await other.PutAsync("leases/web", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        Assert.DoesNotContain(seen, request => request.Contains(".probe", StringComparison.Ordinal) || request.EndsWith("under a condition", StringComparison.Ordinal));
        Assert.Contains(seen, request => request.StartsWith("PUT", StringComparison.Ordinal) && request.Contains("/.claims/leases/web/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_repository_on_a_server_that_keeps_no_conditions_holds_no_writer_records()
    {
        using var store = await OpenAsync(IgnoringConditions);
        var repository = await Repository.InitializeAsync(store, RepositoryKey.FromPassphrase("correct horse battery staple"), Cancellation);
        var refused = Assert.Throws<RelocateException>(() => new WriterRecordStore(repository));
        Assert.Equal(ExitCode.BadInput, refused.ExitCode);
        Assert.Contains("knows no conditional writes, so it cannot hold the record of who may run an app", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_writer_that_claims_and_lives_is_waited_for_and_named()
    {
        await ClaimAsync();
        using var store = await OpenAsync(static (_, send) => send(), new HurriedTime());
        store.Remember(ConditionKeeping.Claims);
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("leases/web", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation));
        Assert.Contains($"cannot write 'leases/web': another writer claims it ('{_prefix}/.claims/leases/web/000000000000000000000000')", error.Message, StringComparison.Ordinal);
        Assert.Null(await store.GetAsync("leases/web", Cancellation));
        Assert.Equal([".claims/leases/web/000000000000000000000000"], await LeftAsync());
    }

    [Fact]
    public async Task A_claim_that_is_45_minutes_old_by_the_clock_of_the_store_is_removed()
    {
        await ClaimAsync();
        using var store = await OpenAsync(static async (_, send) =>
        {
            var response = await send();
            response.Headers.Date = response.Headers.Date?.AddMinutes(46);
            return response;
        });
        store.Remember(ConditionKeeping.Claims);
        Assert.NotNull(await store.PutAsync("leases/web", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation));
        Assert.Empty(await LeftAsync());
    }

    private static bool HasCondition(HttpRequestMessage request) => request.Headers.IfNoneMatch.Count > 0 || request.Headers.IfMatch.Count > 0;

    private static async Task<HttpResponseMessage> IgnoringConditions(HttpRequestMessage request, Func<Task<HttpResponseMessage>> send)
    {
        var response = await send();
        if (response.StatusCode != HttpStatusCode.PreconditionFailed)
            return response;
        response.Dispose();
        return new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request, Content = new ByteArrayContent([]), Headers = { ETag = new("\"0123456789abcdef0123456789abcdef\"") } };
    }

    private async Task ClaimAsync()
    {
        await (await servers.MinioAsync()).PutAsync($"{_prefix}/.claims/leases/web/000000000000000000000000", Cancellation);
    }

    private async Task<List<string>> LeftAsync()
        => [.. (await (await servers.MinioAsync()).KeysAsync($"{_prefix}/", Cancellation)).Select(key => key[(_prefix.Length + 1)..]).Where(name => name[0] == '.')];

    private async Task<S3Repository> RepositoryAsync(string prefix) => (S3Repository)RepositoryUrl.Parse((await servers.MinioAsync()).Url(prefix));

    private async Task<S3ObjectStore> OpenAsync(Func<HttpRequestMessage, Func<Task<HttpResponseMessage>>, Task<HttpResponseMessage>> pass, TimeProvider? time = null)
        => S3ObjectStore.Open(await RepositoryAsync(_prefix), new PassingHandler(StoreHttp.Handler(null), pass), new RetryOptions(), time ?? TimeProvider.System);

    /// <summary>A clock a hundred times as fast, and the waits by it.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        private const int Times = 100;

        public override long GetTimestamp() => System.GetTimestamp() * Times;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => System.CreateTimer(callback, state, dueTime.TotalMilliseconds > 1000 ? dueTime : dueTime / Times, period);
    }
}
