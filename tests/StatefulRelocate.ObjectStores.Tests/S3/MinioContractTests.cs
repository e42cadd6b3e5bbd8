using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.S3;
using StatefulRelocate.ObjectStores.Tests.Contract;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Tests.S3;

/// <summary>The contract on MinIO, which keeps conditions itself.</summary>
public sealed class MinioContractTests(TestServers servers) : ObjectStoreContract
{
    private readonly string _prefix = TestServers.NewPrefix();

    protected override async ValueTask<IObjectStore> OpenAsync() => ObjectStoreUrl.Open((await servers.MinioAsync()).Url(_prefix));
}

/// <summary>The contract on MinIO as if it kept no conditions: the writers keep them by claims.</summary>
public sealed class ClaimsContractTests(TestServers servers) : ObjectStoreContract
{
    private readonly string _prefix = TestServers.NewPrefix();

    protected override int Races => 3;

    protected override int Writers => 6;

    [Fact]
    public async Task No_claim_is_left_or_listed()
    {
        await Store.PutAsync("leases/web", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        Assert.Null(await Store.PutAsync("leases/web", new byte[] { 2 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal(["leases/web"], await NamesAsync(""));
        // A store one level up lists what this one hides.
        var bucket = (S3Repository)RepositoryUrl.Parse((await servers.MinioAsync()).Url(_prefix));
        using var claims = S3ObjectStore.Open(bucket with { Prefix = $"{_prefix}/.claims" }, TimeProvider.System);
        await foreach (var left in claims.ListAsync("", Cancellation))
            Assert.Fail(left.Name);
    }

    protected override async ValueTask<IObjectStore> OpenAsync()
    {
        var store = ObjectStoreUrl.Open((await servers.MinioAsync()).Url(_prefix));
        ((IConditionProbe)store).Remember(ConditionKeeping.Claims);
        return store;
    }
}
