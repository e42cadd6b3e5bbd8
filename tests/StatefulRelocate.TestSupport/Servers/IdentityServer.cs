using System.Globalization;
using System.Net;
using System.Text;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;

namespace StatefulRelocate.TestSupport.Servers;

/// <summary>
/// What stands around a machine in a cloud: a token service for web identities, the credentials of a container, and the metadata of an
/// instance. The credentials that it hands out are real ones of MinIO's own token service.
/// </summary>
public sealed class IdentityServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private string _credentials = "{}";
    private string _assumed = "";

    private IdentityServer(Uri address)
    {
        Address = address;
        _listener.Prefixes.Add(address.AbsoluteUri);
        _listener.Start();
        _ = Task.Run(ServeAsync);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Starts one.</summary>
    public static IdentityServer Start() => new(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}/")));

    /// <summary>Lets it hand out credentials of a server.</summary>
    public async Task HandOutAsync(MinioServer minio, CancellationToken cancellationToken)
    {
        using var service = new AmazonSecurityTokenServiceClient(
            new BasicAWSCredentials(MinioServer.AccessKey, MinioServer.SecretKey), new AmazonSecurityTokenServiceConfig { ServiceURL = minio.Endpoint.AbsoluteUri, AuthenticationRegion = "us-east-1" });
        var given = await GiveAsync(service, cancellationToken);
        _credentials = $$"""
            {"Code":"Success","Type":"AWS-HMAC","LastUpdated":"{{DateTime.UtcNow:s}}Z","AccessKeyId":"{{given.AccessKeyId}}","SecretAccessKey":"{{given.SecretAccessKey}}",
            "Token":"{{given.SessionToken}}","Expiration":"{{DateTime.UtcNow.AddMinutes(50):s}}Z"}
            """;
        _assumed = $"""
            <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
            <AccessKeyId>{given.AccessKeyId}</AccessKeyId><SecretAccessKey>{given.SecretAccessKey}</SecretAccessKey><SessionToken>{given.SessionToken}</SessionToken>
            <Expiration>{DateTime.UtcNow.AddMinutes(50):s}Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
            """;
    }

    /// <summary>The token service is ready some time after the store is.</summary>
    private static async Task<Credentials> GiveAsync(AmazonSecurityTokenServiceClient service, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (true)
        {
            try
            {
                return (await service.AssumeRoleAsync(new AssumeRoleRequest { RoleArn = "arn:xxx:xxx:xxx:xxxx", RoleSessionName = "test" }, limit.Token)).Credentials;
            }
            catch (AmazonSecurityTokenServiceException error) when (error.Message.Contains("not initialized", StringComparison.Ordinal))
            {
                await Task.Delay(50, limit.Token);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                var told = Answer(context.Request.Url!.AbsolutePath);
                if (told is null)
                    context.Response.StatusCode = (int)HttpStatusCode.NotFound;
                var answer = Encoding.UTF8.GetBytes(told ?? "");
                context.Response.ContentType = context.Request.Url.AbsolutePath == "/" ? "text/xml" : "application/json";
                if (context.Request.HttpMethod == "PUT")
                    context.Response.Headers["X-Aws-Ec2-Metadata-Token-Ttl-Seconds"] = "21600";
                await context.Response.OutputStream.WriteAsync(answer);
                context.Response.Close();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                // It was closed, or its client went away.
            }
        }
    }

    private string? Answer(string path) => path switch
    {
        "/" => _assumed,
        "/latest/api/token" => "a-token",
        "/latest/meta-data/iam/security-credentials" or "/latest/meta-data/iam/security-credentials/" => "edge-role",
        "/latest/meta-data/iam/security-credentials/edge-role" or "/container" => _credentials,
        _ => null,
    };
}
