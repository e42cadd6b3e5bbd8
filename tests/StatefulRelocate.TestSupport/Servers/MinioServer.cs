using System.Globalization;
using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace StatefulRelocate.TestSupport.Servers;

/// <summary>A MinIO server of its own directory and port, with one bucket.</summary>
public sealed class MinioServer : IAsyncDisposable
{
    /// <summary>The access key.</summary>
    public const string AccessKey = "relocate-tests";

    /// <summary>The secret key.</summary>
    public const string SecretKey = "not-a-secret-at-all";

    /// <summary>The bucket that is there.</summary>
    public const string Bucket = "snapshots";

    private readonly ServerProcess _process;
    private readonly DirectoryInfo _directory;

    private readonly string _region;

    private MinioServer(ServerProcess process, DirectoryInfo directory, Uri endpoint, string region) => (_process, _directory, Endpoint, _region) = (process, directory, endpoint, region);

    /// <summary>Where it listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>The credentials as the AWS SDK looks for them, for processes that are started.</summary>
    public static IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = AccessKey, ["AWS_SECRET_ACCESS_KEY"] = SecretKey };

    /// <summary>Starts one, or gives null where there is no program.</summary>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public static Task<MinioServer?> TryStartAsync(CancellationToken cancellationToken) => TryStartAsync(null, null, cancellationToken);

    /// <summary>Starts one, or gives null where there is no program.</summary>
    /// <param name="settings">Variables of MinIO, such as <c>MINIO_REGION</c>.</param>
    /// <param name="certificates">A directory with <c>public.crt</c> and <c>private.key</c>; then it speaks TLS.</param>
    /// <param name="cancellationToken">Ends the wait for it.</param>
    public static async Task<MinioServer?> TryStartAsync(IReadOnlyDictionary<string, string?>? settings, string? certificates, CancellationToken cancellationToken)
    {
        if (TestPrograms.Minio is not { } program)
            return null;
        var directory = Directory.CreateTempSubdirectory("relocate-minio-");
        var port = ServerProcess.FreePort();
        var endpoint = new Uri(string.Create(CultureInfo.InvariantCulture, $"{(certificates is null ? "http" : "https")}://127.0.0.1:{port}"));
        List<string> command = [program, "server", "--quiet", "--address", $"127.0.0.1:{port}", "--console-address", $"127.0.0.1:{ServerProcess.FreePort()}"];
        if (certificates is not null)
            command.AddRange(["--certs-dir", certificates]);
        command.Add(directory.FullName);
        var environment = new Dictionary<string, string?>(settings ?? new Dictionary<string, string?>())
        {
            ["MINIO_ROOT_USER"] = AccessKey,
            ["MINIO_ROOT_PASSWORD"] = SecretKey,
            ["MINIO_UPDATE"] = "off",
            ["MINIO_BROWSER"] = "off",
        };
        using var trusting = new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true };
        using var http = new HttpClient(trusting);
        var process = await ServerProcess.StartAsync(command, environment, async token =>
        {
            using var response = await http.GetAsync(new Uri(endpoint, "/minio/health/ready"), token);
            return response.StatusCode == HttpStatusCode.OK;
        }, cancellationToken);
        var server = new MinioServer(process, directory, endpoint, environment.GetValueOrDefault("MINIO_REGION") ?? "us-east-1");
        await server.MakeBucketAsync(cancellationToken);
        return server;
    }

    /// <summary>The URL of a repository in the bucket.</summary>
    /// <param name="prefix">Before each object's name.</param>
    public string Url(string prefix) => $"s3://{Bucket}/{prefix}?endpoint={Endpoint.AbsoluteUri.TrimEnd('/')}";

    /// <summary>The keys in the bucket that have a prefix, whatever they are.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(string prefix, CancellationToken cancellationToken)
    {
        using var client = NewClient();
        var page = await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket, Prefix = prefix }, cancellationToken);
        return [.. (page.S3Objects ?? []).Select(found => found.Key)];
    }

    /// <summary>Puts a byte under any key.</summary>
    public async Task PutAsync(string key, CancellationToken cancellationToken)
    {
        using var client = NewClient();
        await client.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = key, ContentBody = "x" }, cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private async Task MakeBucketAsync(CancellationToken cancellationToken)
    {
        using var client = NewClient();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (true)
        {
            try
            {
                await client.PutBucketAsync(Bucket, limit.Token);
                return;
            }
            catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                // It calls itself ready before its users are loaded.
                await Task.Delay(50, limit.Token);
            }
        }
    }

    private AmazonS3Client NewClient() => new(
        new BasicAWSCredentials(AccessKey, SecretKey),
        new AmazonS3Config { ServiceURL = Endpoint.AbsoluteUri, ForcePathStyle = true, AuthenticationRegion = _region, HttpClientFactory = new Trusting() });

    private sealed class Trusting : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig)
            => new(new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true }, disposeHandler: true);
    }
}
