using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.TestSupport.Servers;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace StatefulRelocate.ObjectStores.Tests.Servers;

/// <summary>The servers that the tests share, each started when the first test asks for it; each test has a prefix of its own in it.</summary>
public sealed class TestServers : IAsyncLifetime
{
    /// <summary>The domain below which the regional server takes a bucket for a host name.</summary>
    public const string Domain = "minio.test";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("object-stores-tests-");
    private readonly Lazy<Task<MinioServer?>> _minio = new(() => MinioServer.TryStartAsync(CancellationToken.None));
    private readonly Lazy<Task<MinioServer?>> _regional = new(() => MinioServer.TryStartAsync(new Dictionary<string, string?> { ["MINIO_REGION"] = "eu-central-1", ["MINIO_DOMAIN"] = Domain }, null, CancellationToken.None));
    private readonly Lazy<Task<MinioServer?>> _encrypted;
    private readonly Lazy<Task<AzuriteServer?>> _azurite = new(() => AzuriteServer.TryStartAsync(CancellationToken.None));

    public TestServers() => _encrypted = new(() =>
    {
        ObjectStores.Tests.Servers.Authority.Write(_directory.FullName);
        return MinioServer.TryStartAsync(null, _directory.FullName, CancellationToken.None);
    });

    /// <summary>The certificate of the authority that signed the encrypted server's.</summary>
    public string Authority => Path.Combine(_directory.FullName, "ca.pem");

    public static string NewPrefix() => $"test-{Guid.NewGuid():n}";

    public Task<MinioServer> MinioAsync() => OrSkipAsync(_minio);

    /// <summary>One in another region, which also takes the bucket in the host name.</summary>
    public Task<MinioServer> RegionalMinioAsync() => OrSkipAsync(_regional);

    /// <summary>One that speaks TLS with a certificate that no system trusts.</summary>
    public Task<MinioServer> EncryptedMinioAsync() => OrSkipAsync(_encrypted);

    public async Task<AzuriteServer> AzuriteAsync()
    {
        var server = await _azurite.Value;
        if (server is null)
            Assert.Skip(TestPrograms.Missing("azurite-blob", "AZURITE"));
        return server;
    }

    /// <summary>Credentials as a user has them: in variables, and in profiles of the shared file.</summary>
    public ValueTask InitializeAsync()
    {
        foreach (var (name, value) in MinioServer.Credentials)
            Environment.SetEnvironmentVariable(name, value);
        var profiles = Path.Combine(_directory.FullName, "credentials");
        File.WriteAllText(profiles, $"""
            [right]
            aws_access_key_id = {MinioServer.AccessKey}
            aws_secret_access_key = {MinioServer.SecretKey}
            [unknown-key]
            aws_access_key_id = nobody
            aws_secret_access_key = {MinioServer.SecretKey}
            [wrong-secret]
            aws_access_key_id = {MinioServer.AccessKey}
            aws_secret_access_key = wrong
            """);
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", profiles);
        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", Path.Combine(_directory.FullName, "none"));
        // No test waits for a machine at Amazon to tell its role.
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in new[] { _minio, _regional, _encrypted })
        {
            if (server.IsValueCreated && await server.Value is { } minio)
                await minio.DisposeAsync();
        }

        if (_azurite.IsValueCreated && await _azurite.Value is { } azurite)
            await azurite.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private static async Task<MinioServer> OrSkipAsync(Lazy<Task<MinioServer?>> server)
    {
        var started = await server.Value;
        if (started is null)
            Assert.Skip(TestPrograms.Missing("minio", "MINIO"));
        return started;
    }
}
