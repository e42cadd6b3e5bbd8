using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.ObjectStores.S3;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.ObjectStores.Tests.S3;

/// <summary>Each way to name a server and to be let in.</summary>
public sealed class S3AddressTests(TestServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_profile_names_the_credentials()
        => await WorksAsync(ObjectStoreUrl.Open((await servers.MinioAsync()).Url(TestServers.NewPrefix()) + "&profile=right"));

    [Fact]
    public async Task A_region_is_signed_for()
        => await WorksAsync(ObjectStoreUrl.Open((await servers.RegionalMinioAsync()).Url(TestServers.NewPrefix()) + "&region=eu-central-1"));

    [Fact]
    public async Task A_server_whose_certificate_an_authority_of_ones_own_has_signed()
        => await WorksAsync(ObjectStoreUrl.Open($"{(await servers.EncryptedMinioAsync()).Url(TestServers.NewPrefix())}&ca={servers.Authority}"));

    [Fact]
    public async Task A_bucket_without_a_prefix()
    {
        using var store = (S3ObjectStore)ObjectStoreUrl.Open((await servers.RegionalMinioAsync()).Url("").Replace("/?", "?", StringComparison.Ordinal) + "&region=eu-central-1");
        await WorksAsync(store);
    }

    [Fact]
    public async Task The_bucket_in_the_host_name()
    {
        var minio = await servers.RegionalMinioAsync();
        var hosts = new List<string>();
        var handler = StoreHttp.Handler(null);
        // No resolver knows the names; each stands for this machine.
        handler.ConnectCallback = async (context, token) =>
        {
            lock (hosts)
                hosts.Add(context.DnsEndPoint.Host);
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, token);
            return new NetworkStream(socket, ownsSocket: true);
        };
        var url = $"s3://{MinioServer.Bucket}/{TestServers.NewPrefix()}?endpoint=http://{TestServers.Domain}:{minio.Endpoint.Port}&path-style=false&region=eu-central-1";
        using var store = S3ObjectStore.Open((S3Repository)RepositoryUrl.Parse(url), handler, new RetryOptions(), TimeProvider.System);
        await WorksAsync(store);
        Assert.All(hosts, host => Assert.Equal($"{MinioServer.Bucket}.{TestServers.Domain}", host));
    }

    private static async Task WorksAsync(IObjectStore store)
    {
        Assert.NotNull(await store.PutAsync("packs/a", new byte[] { 1, 2 }, PutCondition.IfAbsent, Cancellation));
        Assert.Null(await store.PutAsync("packs/a", new byte[] { 3 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([1, 2], (await store.GetAsync("packs/a", Cancellation))!.Content);
        await foreach (var found in store.ListAsync("packs/", Cancellation))
            Assert.Equal(("packs/a", 2), (found.Name, found.Size));
        await store.DeleteManyAsync(["packs/a", "packs/b"], Cancellation);
        Assert.Null(await store.HeadAsync("packs/a", Cancellation));
    }
}
