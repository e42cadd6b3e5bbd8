using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using DnsClient;

namespace ImageClient;

/// <summary>Requests to whatever address the name has at this moment; pinned, to the first one for ever.</summary>
internal sealed class ImageServerConnection : IDisposable
{
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(1);
    private readonly ClientOptions options;
    private readonly LookupClient resolver;
    private readonly HttpClient http;
    private volatile IPAddress? pinned;

    public ImageServerConnection(ClientOptions options)
    {
        this.options = options;
        resolver = new LookupClient(new LookupClientOptions(options.Dns)
        {
            Recursion = false,
            Retries = 1,
            Timeout = TimeSpan.FromMilliseconds(400),
            UseCache = false,
        });
        http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = RequestLimit,
            MaxConnectionsPerServer = options.Pin ? 1 : int.MaxValue,
            // Kept for ever, as a client does that never asks the name again.
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            UseCookies = false,
            UseProxy = false,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Writes an image; returns the cluster that acknowledged it, and when.</summary>
    /// <exception cref="RequestFailedException">There is no acknowledgement.</exception>
    public async Task<(string Cluster, double MonotonicMs)> WriteAsync(string id, byte[] picture, string sha256, CancellationToken cancellationToken)
    {
        using var content = new ByteArrayContent(picture);
        content.Headers.ContentType = new MediaTypeHeaderValue("image/svg+xml");
        return await SendAsync(HttpMethod.Put, id, content, async response =>
        {
            await response.Content.ReadAsByteArrayAsync(cancellationToken);
            var acknowledged = ClientLog.Now();
            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.Created))
                throw new RequestFailedException($"answered {(int)response.StatusCode}");
            if (Header(response, "X-Sha256") != sha256)
                throw new RequestFailedException("acknowledged with another hash");
            return (Header(response, "X-Served-By") ?? "", acknowledged);
        }, cancellationToken);
    }

    /// <summary>Reads an image; returns the hash of its bytes, or null when it is not there.</summary>
    /// <exception cref="RequestFailedException">There is no answer.</exception>
    public Task<string?> ReadAsync(string id, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, id, null, async response =>
    {
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => Convert.ToHexStringLower(SHA256.HashData(bytes)),
            HttpStatusCode.NotFound => null,
            _ => throw new RequestFailedException($"answered {(int)response.StatusCode}"),
        };
    }, cancellationToken);

    public void Dispose() => http.Dispose();

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private async Task<T> SendAsync<T>(HttpMethod method, string id, HttpContent? content, Func<HttpResponseMessage, Task<T>> read, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(RequestLimit);
        IPAddress? address = null;
        try
        {
            address = await ResolveAsync(limit.Token);
            using var request = new HttpRequestMessage(method, new Uri($"http://{new IPEndPoint(address, options.Url.Port)}/images/{id}")) { Content = content };
            request.Headers.Host = options.Url.Authority;
            // With the body read under the limit too, a server that stops half way does not hold the client.
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, limit.Token);
            return await read(response);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RequestFailedException($"{At(address)}no answer within {RequestLimit.TotalSeconds:0} s");
        }
        catch (Exception error) when (error is HttpRequestException or IOException or DnsResponseException or RequestFailedException)
        {
            throw new RequestFailedException($"{At(address)}{(error.InnerException ?? error).Message}");
        }
    }

    private static string At(IPAddress? address) => address is null ? "" : $"{address}: ";

    private async Task<IPAddress> ResolveAsync(CancellationToken cancellationToken)
    {
        if (pinned is { } known)
            return known;
        if (IPAddress.TryParse(options.Url.Host, out var literal))
            return literal;
        var answer = await resolver.QueryAsync(options.Url.Host, QueryType.A, cancellationToken: cancellationToken);
        if (answer.HasError)
            throw new RequestFailedException($"{options.Url.Host}: DNS answered {answer.ErrorMessage}");
        var address = answer.Answers.ARecords().FirstOrDefault()?.Address ?? throw new RequestFailedException($"{options.Url.Host}: has no address in DNS");
        if (options.Pin)
            pinned = address;
        return address;
    }
}

/// <summary>A request without the answer that it wanted.</summary>
internal sealed class RequestFailedException(string message) : Exception(message);
