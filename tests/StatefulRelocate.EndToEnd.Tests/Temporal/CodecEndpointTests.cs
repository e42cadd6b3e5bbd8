using System.Net;
using System.Net.Http.Headers;
using System.Text;
using StatefulRelocate.EndToEnd.Tests.Programs;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>The codec endpoint of <c>relocate-server</c>, as the Temporal UI in a browser and the Temporal CLI call it.</summary>
public sealed class CodecEndpointTests : IAsyncLifetime
{
    private const string Ui = "http://127.0.0.1:8233";
    private const string Token = "correct-horse";
    // {"encoding":"json/plain"} and the JSON text "secret", as protobuf's JSON has them.
    private const string Clear = """{ "payloads": [ { "metadata": { "encoding": "anNvbi9wbGFpbg==" }, "data": "InNlY3JldCI=" } ] }""";
    private readonly TemporaryDirectory _directory = new();
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{ServerProcess.FreePort()}") };
    private RunningProgram? _server;

    public async ValueTask InitializeAsync()
    {
        foreach (var (name, text) in ((string, string)[])[("key", string.Concat(Enumerable.Repeat("0123456789abcdef", 4))), ("token", $"{Token}\n")])
        {
            await File.WriteAllTextAsync(_directory.File(name), text);
            File.SetUnixFileMode(_directory.File(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        _server = RelocateProgram.Start(
            "relocate-server",
            ["--listen", _http.BaseAddress!.Authority, "--codec-origin", Ui, "--codec-token-file", _directory.File("token")],
            new Dictionary<string, string> { ["RELOCATE_PAYLOAD_KEY_FILE"] = _directory.File("key"), ["TEMPORAL_ADDRESS"] = "127.0.0.1:1" });
        await Eventually.IsTrueAsync("the server lives", async () =>
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri("/healthz", UriKind.Relative));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, TimeSpan.FromMinutes(2));
    }

    public ValueTask DisposeAsync()
    {
        _server?.Dispose();
        _http.Dispose();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_it_encodes_is_not_readable_and_it_decodes_it_again()
    {
        using var encoded = await SendAsync("encode", Clear);
        var hidden = await encoded.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var decoded = await SendAsync("decode", hidden);

        Assert.Equal(HttpStatusCode.OK, encoded.StatusCode);
        Assert.DoesNotContain("InNlY3JldCI=", hidden, StringComparison.Ordinal);
        Assert.Equal(Clear, await decoded.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(Ui, Assert.Single(decoded.Headers.GetValues("Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task A_browser_may_ask_first_and_only_for_its_ui()
    {
        using var ours = await SendAsync("decode", body: null, method: HttpMethod.Options, token: null);
        using var others = await SendAsync("decode", body: null, method: HttpMethod.Options, token: null, origin: "http://evil.example");

        Assert.Equal(HttpStatusCode.NoContent, ours.StatusCode);
        Assert.Contains("x-namespace", Assert.Single(ours.Headers.GetValues("Access-Control-Allow-Headers")), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, others.StatusCode);
        Assert.False(others.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData(HttpStatusCode.Forbidden, "http://evil.example", Token, Clear)]
    [InlineData(HttpStatusCode.Unauthorized, Ui, null, Clear)]
    [InlineData(HttpStatusCode.Unauthorized, Ui, "wrong", Clear)]
    [InlineData(HttpStatusCode.BadRequest, Ui, Token, "payloads")]
    [InlineData(HttpStatusCode.BadRequest, Ui, Token, """{ "payloads": [ { "metadata": { "encoding": "YmluYXJ5L2VuY3J5cHRlZA==" }, "data": "AAAA" } ] }""")]
    public async Task Whoever_may_not_or_sends_nonsense_is_refused(HttpStatusCode expected, string origin, string? token, string body)
    {
        using var answer = await SendAsync("decode", body, token: token, origin: origin);

        Assert.Equal(expected, answer.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(string what, string? body, HttpMethod? method = null, string? token = Token, string origin = Ui)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Post, new Uri($"/codec/{what}", UriKind.Relative));
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("X-Namespace", "default");
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
