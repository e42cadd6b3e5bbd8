using System.Text;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Engines.Tests.Rig;
using static StatefulRelocate.Engines.Tests.Streams.Effects;

namespace StatefulRelocate.Engines.Tests.Streams;

/// <summary>Whoever speaks nonsense gets one line and is hung up on; everybody else is served as before.</summary>
public sealed class HostileStreamTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ScriptedAgent _agent;

    public HostileStreamTests() => _agent = new ScriptedAgent(_directory.Path);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("GET / HTTP/1.1")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"type\":\"request\",\"id\":1}")]
    [InlineData("{\"type\":\"request\",\"id\":1,\"request\":{}}")]
    [InlineData("{\"type\":\"request\",\"id\":1,\"request\":{\"relocationId\":null,\"step\":null,\"kind\":null,\"cluster\":null,\"spec\":null}}")]
    [InlineData("{\"type\":\"request\",\"id\":\"1\"}")]
    [InlineData("{\"type\":\"result\",\"id\":1}")]
    [InlineData("{\"type\":\"heartbeat\",\"id\":1}")]
    [InlineData("{\"type\":\"teleport\",\"id\":1}")]
    [InlineData("{\"type\":7,\"id\":1}")]
    [InlineData("{\"type\":\"call\",\"id\":1}")]
    [InlineData("{\"type\":\"call\",\"id\":1,\"method\":\"echo\"} and more")]
    [InlineData("{\"type\":\"call\",\"id\":1,\"method\":\"echo\"}{\"type\":\"call\",\"id\":2,\"method\":\"echo\"}")]
    [InlineData("{\"type\":\"call\",\"id\":99999999999999999999,\"method\":\"echo\"}")]
    public async Task A_line_that_makes_no_sense_is_answered_with_one_error_and_the_end(string line)
    {
        await AssertRefusedAsync(Encoding.UTF8.GetBytes(line + "\n"));
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_answered_with_one_error_and_the_end()
    {
        await AssertRefusedAsync([0x7b, 0x22, 0xff, 0xfe, 0x80, 0x22, 0x3a, 0x31, 0x7d, (byte)'\n']);
        await AssertRefusedAsync([.. "{\"type\":\"call\",\"method\":\""u8, 0xff, 0xfe, .. "\"}\n"u8]);
        await AssertRefusedAsync([0, 0, 0, 0, (byte)'\n']);
    }

    [Fact]
    public async Task Nesting_without_end_is_answered_with_one_error_and_the_end()
    {
        await AssertRefusedAsync([.. "{\"type\":\"call\",\"id\":1,\"method\":\"echo\",\"body\":"u8, .. Encoding.ASCII.GetBytes(new string('[', 100_000)), (byte)'\n']);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_line_longer_than_eight_megabytes_is_answered_with_one_error_and_the_end(bool ends)
    {
        var line = new byte[(8 << 20) + 100_000];
        line.AsSpan().Fill((byte)' ');
        if (ends)
            line[^1] = (byte)'\n';
        await AssertRefusedAsync(line, mayBeCutOff: true);
    }

    [Fact]
    public async Task A_line_that_never_ends_before_the_stream_does_is_answered_with_one_error()
    {
        using var stream = await ConnectAsync();
        await stream.WriteAsync("{\"type\":\"call\""u8.ToArray(), Cancel);
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        await AssertOneErrorAsync(stream);
    }

    [Fact]
    public async Task Whoever_hangs_up_in_the_middle_of_a_line_hurts_nobody()
    {
        using (var stream = await ConnectAsync())
            await stream.WriteAsync("{\"type\":\"call\""u8.ToArray(), Cancel);

        await AssertServesAsync();
    }

    [Fact]
    public async Task An_id_used_twice_at_once_ends_the_connection_and_not_the_activity()
    {
        var began = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        _agent.Deeds["fence"] = async (_, _) =>
        {
            began.SetResult();
            await end.Task;
            return new();
        };
        using var stream = await ConnectAsync();
        var line = Encoding.UTF8.GetBytes(Request("fence", 3) + "\n" + Request("roll-call", 4) + "\n");

        await stream.WriteAsync(line, Cancel);

        await AssertOneErrorAsync(stream);
        await began.Task.Soon();
        end.SetResult();
        await Poll.UntilAsync(() => File.ReadAllText(_directory.File("apps/shop/effects.jsonl")).Contains("output", StringComparison.Ordinal), "the fence is recorded");
        await AssertServesAsync();
    }

    [Fact]
    public async Task A_cancel_of_what_does_not_run_is_no_error()
    {
        using var stream = await ConnectAsync();
        await stream.WriteAsync("{\"type\":\"cancel\",\"id\":9}\n{\"type\":\"call\",\"id\":1,\"method\":\"nothing\"}\n"u8.ToArray(), Cancel);

        using var reader = new StreamReader(stream);
        Assert.Contains("unknown-call", await reader.ReadLineAsync(Cancel).AsTask().Soon(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Noise_of_any_kind_leaves_the_agent_alive()
    {
        const int Seed = 20261123;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}");
        var random = new Random(Seed);
        var real = Encoding.UTF8.GetBytes(Request("lease", 3) + "\n");
        for (var round = 0; round < 300; round++)
        {
            using var stream = await ConnectAsync();
            var noise = (byte[])real.Clone();
            for (var changes = random.Next(1, 6); changes > 0; changes--)
                noise[random.Next(noise.Length)] = (byte)random.Next(256);
            noise[^1] = (byte)'\n';
            await stream.WriteAsync(noise, Cancel);
            stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            using var reader = new StreamReader(stream);
            // One answer at the most, or several when the noise holds line ends; then the end. Never silence.
            await reader.ReadToEndAsync(Cancel).Soon();
        }

        await AssertServesAsync();
    }

    private static string Request(string step, long sequence) =>
        $"{{\"type\":\"request\",\"id\":1,\"request\":{{\"relocationId\":\"one\",\"step\":\"{step}\",\"kind\":\"{step}\",\"cluster\":\"a\",\"sequence\":{sequence},\"spec\":" +
        "{\"app\":\"shop\",\"source\":\"a\",\"target\":\"b\",\"repository\":\"main\",\"dns\":{\"zone\":\"edge.test\",\"name\":\"shop\"}}}}";

    private async Task<System.Net.Sockets.NetworkStream> ConnectAsync() => (System.Net.Sockets.NetworkStream)await UnixSockets.ConnectAsync(_agent.Socket, Cancel);

    private async Task AssertRefusedAsync(byte[] bytes, bool mayBeCutOff = false)
    {
        using var stream = await ConnectAsync();
        try
        {
            await stream.WriteAsync(bytes, Cancel).AsTask().Soon();
        }
        catch (IOException) when (mayBeCutOff)
        {
            // The agent need not read to the end of what it refuses.
        }

        await AssertOneErrorAsync(stream);
        await AssertServesAsync();
    }

    private static async Task AssertOneErrorAsync(Stream stream)
    {
        using var reader = new StreamReader(stream);
        var lines = new List<string>();
        try
        {
            while (await reader.ReadLineAsync(Cancel).AsTask().Soon() is { } line)
                lines.Add(line);
        }
        catch (IOException)
        {
            // Hung up on with bytes of ours unread.
        }

        var error = Assert.Single(lines);
        Assert.StartsWith("{\"type\":\"error\"", error, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"protocol\"", error, StringComparison.Ordinal);
    }

    private async Task AssertServesAsync()
    {
        await using var client = await _agent.ConnectAsync();
        var sequence = 1000 + _agent.Effects.Count;
        await client.RunAsync(Do(StepKind.Ready, sequence), _ => { }, Cancel).Soon();
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        _directory.Dispose();
    }
}
