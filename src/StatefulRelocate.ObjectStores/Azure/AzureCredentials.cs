using Azure;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Azure;

/// <summary>
/// Opens a container with the first of: <c>AZURE_STORAGE_CONNECTION_STRING</c>, <c>AZURE_STORAGE_SAS_TOKEN</c>, <c>AZURE_STORAGE_KEY</c>, a service
/// principal in variables, workload identity, managed identity, the Azure CLI's log-in.
/// </summary>
internal static class AzureCredentials
{
    public static BlobContainerClient Open(AzureBlobRepository repository, BlobClientOptions options, Func<string, string?> variables)
    {
        try
        {
            if (Given("AZURE_STORAGE_CONNECTION_STRING") is { } connection)
                return OpenConnection(repository, connection, options);
            var container = Container(repository.Endpoint ?? new Uri($"https://{repository.Account}.blob.core.windows.net"), repository);
            if (Given("AZURE_STORAGE_SAS_TOKEN") is { } sas)
                return new BlobContainerClient(container, new AzureSasCredential(sas), options);
            if (Given("AZURE_STORAGE_KEY") is { } key)
                return new BlobContainerClient(container, new StorageSharedKeyCredential(repository.Account, key), options);
            return new BlobContainerClient(container, Identity(Given("AZURE_CLIENT_ID")), options);
        }
        catch (Exception error) when (error is FormatException or ArgumentException)
        {
            // Their messages may repeat a secret.
            throw new ObjectStoreException($"{repository}: the Azure credentials in the environment are malformed (AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_KEY)");
        }

        string? Given(string name) => variables(name) is { Length: > 0 } value ? value : null;
    }

    private static BlobContainerClient OpenConnection(AzureBlobRepository repository, string connection, BlobClientOptions options)
    {
        var parts = connection.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        if (parts.TryGetValue("AccountName", out var account) && account != repository.Account)
            throw new ObjectStoreException($"{repository}: AZURE_STORAGE_CONNECTION_STRING is for the account '{account}'; correct the one or the other");
        var service = repository.Endpoint
            ?? (parts.TryGetValue("BlobEndpoint", out var endpoint) ? new Uri(endpoint)
            : new Uri($"{parts.GetValueOrDefault("DefaultEndpointsProtocol", "https")}://{repository.Account}.blob.{parts.GetValueOrDefault("EndpointSuffix", "core.windows.net")}"));
        var container = Container(service, repository);
        if (parts.TryGetValue("SharedAccessSignature", out var sas))
            return new BlobContainerClient(container, new AzureSasCredential(sas), options);
        return parts.TryGetValue("AccountKey", out var key)
            ? new BlobContainerClient(container, new StorageSharedKeyCredential(repository.Account, key), options)
            : throw new ObjectStoreException($"{repository}: AZURE_STORAGE_CONNECTION_STRING has neither AccountKey nor SharedAccessSignature");
    }

    private static ChainedTokenCredential Identity(string? client) => new(
        new EnvironmentCredential(),
        new WorkloadIdentityCredential(),
        new ManagedIdentityCredential(client is null ? ManagedIdentityId.SystemAssigned : ManagedIdentityId.FromUserAssignedClientId(client)),
        new AzureCliCredential());

    private static Uri Container(Uri service, AzureBlobRepository repository) => new($"{service.AbsoluteUri.TrimEnd('/')}/{repository.Container}");
}
