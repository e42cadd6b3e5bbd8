using Azure.Storage;
using Azure.Storage.Sas;
using StatefulRelocate.ObjectStores.Azure;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.ObjectStores.Tests.Azure;

/// <summary>Each way to be let in, and each mistake in one line.</summary>
public sealed class AzureCredentialTests(TestServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("connection string")]
    [InlineData("connection string with a SAS")]
    [InlineData("SAS")]
    [InlineData("key")]
    public async Task Each_kind_of_credential_opens_the_container(string kind)
    {
        var azurite = await servers.AzuriteAsync();
        using var store = AzuriteStore.Open(azurite.Url(TestServers.NewPrefix()), kind switch
        {
            "connection string" => new() { ["AZURE_STORAGE_CONNECTION_STRING"] = azurite.ConnectionString },
            "connection string with a SAS" => new() { ["AZURE_STORAGE_CONNECTION_STRING"] = $"BlobEndpoint={azurite.Endpoint};SharedAccessSignature={Sas(TimeSpan.FromHours(1))}" },
            "SAS" => new() { ["AZURE_STORAGE_SAS_TOKEN"] = Sas(TimeSpan.FromHours(1)) },
            _ => new() { ["AZURE_STORAGE_KEY"] = AzuriteServer.Key },
        });
        Assert.NotNull(await store.PutAsync("packs/a", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation));
        Assert.Null(await store.PutAsync("packs/a", new byte[] { 2 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([1], (await store.GetAsync("packs/a", Cancellation))!.Content);
        await foreach (var found in store.ListAsync("", Cancellation))
            Assert.Equal("packs/a", found.Name);
        await store.DeleteAsync("packs/a", Cancellation);
    }

    [Theory, InlineData("head"), InlineData("put"), InlineData("list")]
    public async Task A_wrong_key(string action)
        => await RefusedAsync(new() { ["AZURE_STORAGE_KEY"] = Convert.ToBase64String(new byte[64]) }, AzuriteServer.Container, action, "check AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY");

    [Theory, InlineData("head"), InlineData("put"), InlineData("list")]
    public async Task A_missing_container(string action)
        => await RefusedAsync(new() { ["AZURE_STORAGE_KEY"] = AzuriteServer.Key }, "nowhere", action, "there is no container 'nowhere' in the account 'devstoreaccount1'; make it, or correct the URL");

    [Theory, InlineData("put"), InlineData("list")]
    public async Task A_signature_that_expired(string action)
        => await RefusedAsync(new() { ["AZURE_STORAGE_SAS_TOKEN"] = Sas(TimeSpan.FromMinutes(-5)) }, AzuriteServer.Container, action, "check AZURE_STORAGE_CONNECTION_STRING");

    [Fact]
    public async Task A_key_that_is_none_is_not_repeated()
    {
        var azurite = await servers.AzuriteAsync();
        var error = Assert.Throws<ObjectStoreException>(() => AzuriteStore.Open(azurite.Url("x"), new() { ["AZURE_STORAGE_KEY"] = "my secret!" }));
        Assert.Contains("the Azure credentials in the environment are malformed", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("my secret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_string_for_another_account()
    {
        var error = Assert.Throws<ObjectStoreException>(() => AzuriteStore.Open("azblob://mine/snapshots", new() { ["AZURE_STORAGE_CONNECTION_STRING"] = $"AccountName=theirs;AccountKey={AzuriteServer.Key}" }));
        Assert.Contains("AZURE_STORAGE_CONNECTION_STRING is for the account 'theirs'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(AzuriteServer.Key, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_run()
    {
        using var store = AzuriteStore.Open($"azblob://devstoreaccount1/snapshots?endpoint=http://127.0.0.1:{ServerProcess.FreePort()}/devstoreaccount1", new() { ["AZURE_STORAGE_KEY"] = AzuriteServer.Key });
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => store.HeadAsync("config", Cancellation));
        Assert.Contains("cannot be reached: Connection refused", error.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(Dictionary<string, string?> variables, string container, string action, string words)
    {
        var azurite = await servers.AzuriteAsync();
        using var store = AzuriteStore.Open(azurite.Url("x").Replace("/snapshots/", $"/{container}/", StringComparison.Ordinal), variables);
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => TryAsync(store, action));
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    private static async Task TryAsync(AzureBlobObjectStore store, string action)
    {
        if (action == "head")
            await store.HeadAsync("config", Cancellation);
        else if (action == "put")
            await store.PutAsync("config", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        else
            await foreach (var found in store.ListAsync("", Cancellation))
                Assert.Fail(found.Name);
    }

    private static string Sas(TimeSpan validFor)
    {
        var builder = new BlobSasBuilder { BlobContainerName = AzuriteServer.Container, Resource = "c", StartsOn = DateTimeOffset.UtcNow.AddHours(-2), ExpiresOn = DateTimeOffset.UtcNow + validFor };
        builder.SetPermissions(BlobContainerSasPermissions.All);
        return builder.ToSasQueryParameters(new StorageSharedKeyCredential(AzuriteServer.Account, AzuriteServer.Key)).ToString();
    }
}
