using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Azure;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.ObjectStores.Tests.Contract;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Tests.Azure;

/// <summary>The contract on Azurite, opened by a connection string.</summary>
public sealed class AzureContractTests(TestServers servers) : ObjectStoreContract
{
    private readonly string _prefix = TestServers.NewPrefix();

    protected override int Races => 5;

    protected override async ValueTask<IObjectStore> OpenAsync()
    {
        var azurite = await servers.AzuriteAsync();
        return AzureBlobObjectStore.Open((AzureBlobRepository)RepositoryUrl.Parse(azurite.Url(_prefix)), StoreHttp.Handler(null), new RetryOptions(), TimeProvider.System,
            name => name == "AZURE_STORAGE_CONNECTION_STRING" ? azurite.ConnectionString : null);
    }
}
