using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Azure;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.ObjectStores.Tests.Servers;

/// <summary>Opens stores in Azurite, each with credentials of its own rather than this process's variables.</summary>
internal static class AzuriteStore
{
    public static AzureBlobObjectStore Open(AzuriteServer server, string prefix) => Open(server.Url(prefix), new() { ["AZURE_STORAGE_CONNECTION_STRING"] = server.ConnectionString });

    public static AzureBlobObjectStore Open(string url, Dictionary<string, string?> variables)
        => AzureBlobObjectStore.Open((AzureBlobRepository)RepositoryUrl.Parse(url), StoreHttp.Handler(null), new RetryOptions(), TimeProvider.System, variables.GetValueOrDefault);
}
