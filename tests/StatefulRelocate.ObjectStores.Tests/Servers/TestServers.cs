using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.TestSupport.Servers;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace StatefulRelocate.ObjectStores.Tests.Servers;

/// <summary>The servers that the tests share, each started when the first test asks for it; each test has a prefix of its own in it.</summary>
public sealed class TestServers : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("object-stores-tests-");
    private readonly Lazy<Task<MinioServer?>> _minio = new(() => MinioServer.TryStartAsync(CancellationToken.None));
    private readonly Lazy<Task<AzuriteServer?>> _azurite = new(() => AzuriteServer.TryStartAsync(CancellationToken.None));

    public static string NewPrefix() => $"test-{Guid.NewGuid():n}";

    public async Task<MinioServer> MinioAsync()
    {
        var server = await _minio.Value;
        if (server is null)
            Assert.Skip(TestPrograms.Missing("minio", "MINIO"));
        return server;
    }

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
        if (_minio.IsValueCreated && await _minio.Value is { } minio)
            await minio.DisposeAsync();
        if (_azurite.IsValueCreated && await _azurite.Value is { } azurite)
            await azurite.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
