using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace StatefulRelocate.Samples.Tests;

public sealed class ImageServerTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("image-server-test-").FullName;
    private readonly IPEndPoint endpoint = SampleProcess.FreeEndpoint("127.0.0.1");
    private readonly HttpClient http = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task Every_acknowledged_write_is_there_after_kill_minus_nine()
    {
        var acknowledged = new ConcurrentDictionary<string, string>();
        await using (var server = await SampleProcess.ServerAsync(directory, endpoint, "edge-a"))
        {
            var writers = Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
            {
                try
                {
                    for (var number = 0; ; number++)
                    {
                        var bytes = Encoding.UTF8.GetBytes($"picture {number} of writer {writer}");
                        using var answer = await http.PutAsync(Image($"w{writer}-{number}"), new ByteArrayContent(bytes), Cancel);
                        if (answer.StatusCode == HttpStatusCode.Created)
                            acknowledged[$"w{writer}-{number}"] = Convert.ToHexStringLower(SHA256.HashData(bytes));
                    }
                }
                catch (HttpRequestException)
                {
                    // Killed.
                }
            }, Cancel)).ToArray();
            await SampleProcess.UntilAsync(() => Task.FromResult(acknowledged.Count >= 100));
            await server.KillAsync();
            await Task.WhenAll(writers);
        }

        await using var again = await SampleProcess.ServerAsync(directory, endpoint, "edge-b");

        var found = await ItemsAsync(acknowledged.Keys);
        Assert.Equal(acknowledged.OrderBy(each => each.Key, StringComparer.Ordinal), found.OrderBy(each => each.Key, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_repeated_write_is_acknowledged_again_and_another_image_is_refused()
    {
        await using var server = await SampleProcess.ServerAsync(directory, endpoint, "edge-a");

        using var first = await http.PutAsync(Image("one"), new ByteArrayContent([1, 2, 3]), Cancel);
        using var again = await http.PutAsync(Image("one"), new ByteArrayContent([1, 2, 3]), Cancel);
        using var other = await http.PutAsync(Image("one"), new ByteArrayContent([9]), Cancel);

        Assert.Equal([HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.Conflict], [first.StatusCode, again.StatusCode, other.StatusCode]);
        Assert.Equal("edge-a", Assert.Single(again.Headers.GetValues("X-Served-By")));
        Assert.Equal([1, 2, 3], await http.GetByteArrayAsync(Image("one"), Cancel));
    }

    [Fact]
    public async Task The_page_names_the_cluster_and_an_upload_appears_in_the_gallery()
    {
        await using var server = await SampleProcess.ServerAsync(directory, endpoint, "edge-north");

        using var posted = await http.PostAsync(new Uri($"http://{endpoint}/api/images"), new ByteArrayContent([1]), Cancel);
        var kept = JsonNode.Parse(await posted.Content.ReadAsStringAsync(Cancel))!;
        var page = await http.GetStringAsync(new Uri($"http://{endpoint}/"), Cancel);
        var gallery = JsonNode.Parse(await http.GetStringAsync(new Uri($"http://{endpoint}/api/images"), Cancel))!;

        Assert.Contains("edge-north", page, StringComparison.Ordinal);
        Assert.Equal("edge-north", (string?)kept["cluster"]);
        Assert.Equal((string?)kept["id"], (string?)gallery["images"]![0]!["id"]);
    }

    [Fact]
    public async Task A_file_changed_behind_its_back_shows_in_the_bulk_check()
    {
        await using var server = await SampleProcess.ServerAsync(directory, endpoint, "edge-a");
        using var kept = await http.PutAsync(Image("one"), new ByteArrayContent([1, 2, 3]), Cancel);
        var before = (await ItemsAsync(["one", "absent"])).ToList();

        await File.WriteAllBytesAsync(Directory.GetFiles(Path.Combine(directory, "images"), "one", SearchOption.AllDirectories)[0], [1, 2, 4], Cancel);

        Assert.Single(before);
        Assert.NotEqual(before[0].Value, (await ItemsAsync(["one"]))["one"]);
    }

    [Fact]
    public async Task A_stop_finishes_the_request_in_flight()
    {
        await using var server = await SampleProcess.ServerAsync(directory, endpoint, "edge-a");
        var body = new HeldContent();
        var writing = http.PutAsync(Image("slow"), body, Cancel);
        await body.Sending;

        var ending = server.TerminateAsync();
        await SampleProcess.UntilAsync(async () =>
        {
            try
            {
                using var other = new HttpClient();
                await other.GetAsync(new Uri($"http://{endpoint}/ready"), Cancel);
                return false;
            }
            catch (HttpRequestException)
            {
                // It takes no new connection: the stop has begun.
                return true;
            }
        });
        body.Release();

        Assert.Equal(HttpStatusCode.Created, (await writing).StatusCode);
        Assert.Equal(0, await ending);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_bytes_and_leaves_a_directory_in_use_as_it_is()
    {
        var one = Path.Combine(directory, "one");
        var two = Path.Combine(directory, "two");
        await using var first = SampleProcess.Start("ImageServer", null, "--data", one, "--seed", "8MiB");
        await using var second = SampleProcess.Start("ImageServer", null, "--data", two, "--seed", "8MiB");
        Assert.Equal(0, await first.EndAsync());
        Assert.Equal(0, await second.EndAsync());

        var hashes = Files(one);
        await using var again = SampleProcess.Start("ImageServer", null, "--data", one, "--seed", "16MiB");

        Assert.Equal(0, await again.EndAsync());
        Assert.Equal(hashes, Files(one));
        Assert.Equal(hashes, Files(two));
        Assert.InRange(hashes.Keys.Sum(name => new FileInfo(Path.Combine(one, name)).Length), 8 << 20, 9 << 20);
    }

    [Theory]
    [InlineData("--seed 1MiB")]
    [InlineData("--data x --listen nowhere")]
    [InlineData("--data x --what 1")]
    [InlineData("--data")]
    public async Task A_bad_command_line_is_one_line_and_exit_code_2(string arguments)
    {
        await using var server = SampleProcess.Start("ImageServer", null, arguments.Split(' '));

        Assert.Equal(2, await server.EndAsync());
        Assert.Single(server.Output().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    private static Dictionary<string, string> Files(string root) => Directory.GetFiles(root, "*", SearchOption.AllDirectories)
        .Where(path => !Path.GetFileName(path).StartsWith("images.db", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .ToDictionary(path => Path.GetRelativePath(root, path), path => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));

    private Uri Image(string id) => new($"http://{endpoint}/images/{id}");

    private async Task<Dictionary<string, string>> ItemsAsync(IEnumerable<string> ids)
    {
        var list = new JsonArray([.. ids.Select(id => (JsonNode)id)]);
        using var answer = await http.PostAsync(new Uri($"http://{endpoint}/api/items"), new StringContent(list.ToJsonString()), Cancel);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancel))!["items"]!.AsObject().ToDictionary(each => each.Key, each => (string)each.Value!);
    }

    /// <summary>A body whose second half waits.</summary>
    private sealed class HeldContent : HttpContent
    {
        private readonly TaskCompletionSource sending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Sending => sending.Task;

        public void Release() => released.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[] { 1 }, Cancel);
            await stream.FlushAsync(Cancel);
            sending.TrySetResult();
            await released.Task;
            await stream.WriteAsync(new byte[] { 2 }, Cancel);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 2;
            return true;
        }
    }
}
