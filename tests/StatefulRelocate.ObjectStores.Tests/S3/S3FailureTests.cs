using System.Net.Sockets;
using Amazon;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.S3;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.ObjectStores.Tests.S3;

/// <summary>Each mistake of a user is one line that names it, whatever is tried first.</summary>
public sealed class S3FailureTests(TestServers servers)
{
    public static TheoryData<string> Actions => ["head", "get", "put", "put if absent", "list", "time", "probe", "delete", "delete many"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Actions))]
    public async Task An_unknown_access_key(string action)
        => await RefusedAsync((await servers.MinioAsync()).Url("x") + "&profile=unknown-key", action, "the access key is not known at http://127.0.0.1:", "AWS profile 'unknown-key'");

    [Theory, MemberData(nameof(Actions))]
    public async Task A_wrong_secret_key(string action)
        => await RefusedAsync((await servers.MinioAsync()).Url("x") + "&profile=wrong-secret", action, "the secret key does not fit the access key", "AWS profile 'wrong-secret'");

    [Theory, MemberData(nameof(Actions))]
    public async Task A_missing_bucket(string action)
        => await RefusedAsync((await servers.MinioAsync()).Url("x").Replace("s3://snapshots", "s3://nowhere", StringComparison.Ordinal), action, "there is no bucket 'nowhere' at http://127.0.0.1:", "make it, or correct the URL");

    [Theory, MemberData(nameof(Actions))]
    public async Task A_wrong_region(string action)
        => await RefusedAsync((await servers.RegionalMinioAsync()).Url("x") + "&region=us-west-2", action, "the region is wrong: the bucket is in 'eu-central-1'; set region=… in the URL");

    [Theory, MemberData(nameof(Actions))]
    public async Task A_server_that_does_not_run(string action)
        => await RefusedAsync($"s3://snapshots/x?endpoint=http://127.0.0.1:{ServerProcess.FreePort()}", action, "cannot be reached: Connection refused", "is the server running, and the port right?");

    [Theory, MemberData(nameof(Actions))]
    public async Task A_certificate_that_nobody_trusts(string action)
        => await RefusedAsync((await servers.EncryptedMinioAsync()).Url("x"), action, "the certificate of https://127.0.0.1:", "is not trusted", "ca=FILE");

    [Fact]
    public async Task A_host_name_that_does_not_exist()
        => await RefusedAsync("s3://snapshots/x?endpoint=http://nowhere.invalid:9000", "head", "http://nowhere.invalid:9000 cannot be reached", "check the host name");

    [Fact]
    public async Task A_server_that_is_no_object_store()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(Cancellation);
                await client.GetStream().WriteAsync("SSH-2.0-OpenSSH_9.2\r\n"u8.ToArray(), Cancellation);
            }
        }, Cancellation);
        await RefusedAsync($"s3://snapshots/x?endpoint=http://127.0.0.1:{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}", "head", "cannot be reached");
        listener.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => serving);
    }

    [Fact]
    public async Task A_profile_that_does_not_exist()
        => await RefusedAsync((await servers.MinioAsync()).Url("x") + "&profile=nobody", "head", "the AWS profile 'nobody' gives no credentials");

    [Fact]
    public void A_file_of_certificates_that_does_not_exist()
    {
        var error = Assert.Throws<RelocateException>(() => ObjectStoreUrl.Open("s3://snapshots/x?endpoint=https://127.0.0.1:1&ca=/nowhere/ca.pem"));
        Assert.Contains("/nowhere/ca.pem: the certificates for the object store cannot be read", error.Message, StringComparison.Ordinal);
    }

    internal static async Task RefusedAsync(string url, string action, params string[] words)
    {
        var error = await Assert.ThrowsAsync<ObjectStoreException>(async () =>
        {
            using var store = (S3ObjectStore)ObjectStoreUrl.Open(url);
            await TryAsync(store, action);
        });
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(error.ObjectAtFault);
        Assert.StartsWith(RepositoryUrl.Parse(url).ToString(), error.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    private static async Task TryAsync(S3ObjectStore store, string action)
    {
        switch (action)
        {
            case "head":
                await store.HeadAsync("config", Cancellation);
                break;
            case "get":
                await store.GetAsync("config", Cancellation);
                break;
            case "put":
                await store.PutAsync("config", new byte[] { 1 }, PutCondition.Always, Cancellation);
                break;
            case "put if absent":
                await store.PutAsync("config", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
                break;
            case "list":
                await foreach (var found in store.ListAsync("", Cancellation))
                    Assert.Fail(found.Name);
                break;
            case "time":
                await store.ServerTimeAsync(Cancellation);
                break;
            case "probe":
                await store.ProbeAsync(Cancellation);
                break;
            case "delete":
                await store.DeleteAsync("config", Cancellation);
                break;
            default:
                await store.DeleteManyAsync(["config", "packs/a"], Cancellation);
                break;
        }
    }
}

/// <summary>What changes the whole process while it lasts.</summary>
[Collection(nameof(WholeProcess))]
public sealed class S3ProcessWideFailureTests(TestServers servers)
{
    [Theory, InlineData("head"), InlineData("put"), InlineData("list"), InlineData("probe")]
    public async Task A_clock_that_is_an_hour_off(string action)
    {
        var url = (await servers.MinioAsync()).Url("x");
        AWSConfigs.ManualClockCorrection = TimeSpan.FromHours(1);
        try
        {
            await S3FailureTests.RefusedAsync(url, action, "this machine's clock is more than 15 minutes off the store's; set it right (NTP)");
        }
        finally
        {
            AWSConfigs.ManualClockCorrection = null;
        }
    }

    [Fact]
    public async Task No_credentials_at_all()
    {
        var url = (await servers.MinioAsync()).Url("x");
        var before = MinioServer.Credentials.Keys.ToDictionary(name => name, Environment.GetEnvironmentVariable);
        foreach (var name in before.Keys)
            Environment.SetEnvironmentVariable(name, null);
        try
        {
            await S3FailureTests.RefusedAsync(url, "head", "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile");
        }
        finally
        {
            foreach (var (name, value) in before)
                Environment.SetEnvironmentVariable(name, value);
        }
    }
}

/// <summary>Tests that nothing else may run beside.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;
