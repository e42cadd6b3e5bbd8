using System.Globalization;
using System.Net;
using Azure.Storage.Blobs;

namespace StatefulRelocate.TestSupport.Servers;

/// <summary>An Azurite server (blobs) of its own directory and port, with one container.</summary>
public sealed class AzuriteServer : IAsyncDisposable
{
    /// <summary>The account that every Azurite has.</summary>
    public const string Account = "devstoreaccount1";

    /// <summary>The account's key, which is published.</summary>
    public const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// <summary>The container that is there.</summary>
    public const string Container = "snapshots";

    private readonly ServerProcess _process;
    private readonly DirectoryInfo _directory;

    private AzuriteServer(ServerProcess process, DirectoryInfo directory, Uri endpoint) => (_process, _directory, Endpoint) = (process, directory, endpoint);

    /// <summary>The blob service of the account.</summary>
    public Uri Endpoint { get; }

    /// <summary>What opens it.</summary>
    public string ConnectionString => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={Endpoint.AbsoluteUri};";

    /// <summary>Starts one, or gives null where there is no program.</summary>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public static async Task<AzuriteServer?> TryStartAsync(CancellationToken cancellationToken)
    {
        if (TestPrograms.Azurite is not { } program)
            return null;
        var directory = Directory.CreateTempSubdirectory("relocate-azurite-");
        var port = ServerProcess.FreePort().ToString(CultureInfo.InvariantCulture);
        var service = new Uri($"http://127.0.0.1:{port}/");
        using var http = new HttpClient();
        var process = await ServerProcess.StartAsync(
            [program, "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--disableProductStyleUrl", "--location", directory.FullName, "--blobHost", "127.0.0.1", "--blobPort", port],
            new Dictionary<string, string?>(),
            async token =>
            {
                using var response = await http.GetAsync(service, token);
                return response.StatusCode != HttpStatusCode.ServiceUnavailable;
            }, cancellationToken);
        var server = new AzuriteServer(process, directory, new Uri(service, Account));
        await new BlobContainerClient(server.ConnectionString, Container).CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        return server;
    }

    /// <summary>The URL of a repository in the container.</summary>
    /// <param name="prefix">Before each object's name.</param>
    public string Url(string prefix) => $"azblob://{Account}/{Container}/{prefix}?endpoint={Endpoint.AbsoluteUri}";

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
