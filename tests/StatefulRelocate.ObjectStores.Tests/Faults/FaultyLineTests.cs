using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Azure;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.ObjectStores.S3;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.TestSupport.Faults;

namespace StatefulRelocate.ObjectStores.Tests.Faults;

public sealed class FaultyMinioTests(TestServers servers) : FaultyLineContract
{
    private readonly string _prefix = TestServers.NewPrefix();

    private protected override async Task<IObjectStore> OpenAsync(FaultPlan plan, RetryOptions retries)
        => S3ObjectStore.Open((S3Repository)RepositoryUrl.Parse((await servers.MinioAsync()).Url(_prefix)), new FaultyHttpHandler(StoreHttp.Handler(null), plan), retries, TimeProvider.System);
}

/// <summary>As if MinIO kept no conditions.</summary>
public sealed class FaultyClaimsTests(TestServers servers) : FaultyLineContract
{
    private readonly string _prefix = TestServers.NewPrefix();

    private protected override async Task<IObjectStore> OpenAsync(FaultPlan plan, RetryOptions retries)
    {
        var store = S3ObjectStore.Open((S3Repository)RepositoryUrl.Parse((await servers.MinioAsync()).Url(_prefix)), new FaultyHttpHandler(StoreHttp.Handler(null), plan), retries, TimeProvider.System);
        store.Remember(ConditionKeeping.Claims);
        return store;
    }
}

public sealed class FaultyAzuriteTests(TestServers servers) : FaultyLineContract
{
    private readonly string _prefix = TestServers.NewPrefix();

    private protected override async Task<IObjectStore> OpenAsync(FaultPlan plan, RetryOptions retries)
    {
        var azurite = await servers.AzuriteAsync();
        return AzureBlobObjectStore.Open((AzureBlobRepository)RepositoryUrl.Parse(azurite.Url(_prefix)), new FaultyHttpHandler(StoreHttp.Handler(null), plan), retries, TimeProvider.System,
            name => name == "AZURE_STORAGE_CONNECTION_STRING" ? azurite.ConnectionString : null);
    }
}
