using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace ImageServer;

/// <summary>The web face. Requests are told apart by hand: a router, logging and the rest of a default host double the time to start.</summary>
internal static class Web
{
    private const int LargestImage = 32 << 20;
    private const int LargestPage = 200;
    private static readonly string Cluster = Environment.GetEnvironmentVariable("RELOCATE_CLUSTER") is { Length: > 0 } name ? name : "nowhere in particular";

    public static WebApplication Create(ImageStore store, IPEndPoint listen)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestImage;
            kestrel.Listen(listen);
        });
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = Bind);
        var app = builder.Build();
        var started = TimeProvider.System.GetUtcNow();
        app.Run(context => AnswerAsync(context, store, listen, started));
        return app;
    }

    private static Socket Bind(EndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        // Connections of a process that ended a moment ago must not keep the next one from the port.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(endpoint);
        return socket;
    }

    private static async Task AnswerAsync(HttpContext context, ImageStore store, IPEndPoint listen, DateTimeOffset started)
    {
        var request = context.Request;
        var response = context.Response;
        response.Headers["X-Served-By"] = Cluster;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        var path = request.Path.Value ?? "/";
        var read = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        var id = ImageId(path);
        switch (path)
        {
            case "/" when read:
                response.Headers.ContentSecurityPolicy = "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' blob:";
                await SendAsync(response, "text/html; charset=utf-8", Page());
                break;
            case "/ready" when read:
                _ = store.Find("ready");
                await SendAsync(response, "text/plain", "ready\n"u8.ToArray());
                break;
            case "/api/status" when read:
                var (count, bytes) = store.Totals();
                await SendAsync(response, new StatusAnswer(Cluster, listen.ToString(), count, bytes, started), WebJson.Default.StatusAnswer);
                break;
            case "/api/images" when read:
                var before = long.TryParse(request.Query["before"], CultureInfo.InvariantCulture, out var sequence) ? sequence : long.MaxValue;
                var limit = int.TryParse(request.Query["limit"], CultureInfo.InvariantCulture, out var wanted) ? Math.Clamp(wanted, 1, LargestPage) : 60;
                await SendAsync(response, new ImagesAnswer(Cluster, store.Page(before, limit)), WebJson.Default.ImagesAnswer);
                break;
            case "/api/images" when HttpMethods.IsPost(request.Method):
                await KeepAsync(context, store, Guid.CreateVersion7().ToString("N"));
                break;
            case "/api/items" when read:
                await SendAsync(response, new ItemsAnswer(Cluster, store.HashesOf(request.Query["ids"].ToString().Split(','))), WebJson.Default.ItemsAnswer);
                break;
            case "/api/items" when HttpMethods.IsPost(request.Method):
                await ItemsAsync(context, store);
                break;
            default:
                if (id is null)
                    await RefuseAsync(response, StatusCodes.Status404NotFound, "nothing is here");
                else if (HttpMethods.IsPut(request.Method))
                    await KeepAsync(context, store, id);
                else if (read)
                    await ShowAsync(response, store, id);
                else
                    await RefuseAsync(response, StatusCodes.Status405MethodNotAllowed, "GET and PUT only");
                break;
        }
    }

    private static string? ImageId(string path)
    {
        var id = path.StartsWith("/images/", StringComparison.Ordinal) ? path[8..] : path.StartsWith("/api/images/", StringComparison.Ordinal) ? path[12..] : "";
        return ImageStore.IsId(id) ? id : null;
    }

    private static async Task KeepAsync(HttpContext context, ImageStore store, string id)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (body.Length == 0)
        {
            await RefuseAsync(context.Response, StatusCodes.Status400BadRequest, "the image is empty");
            return;
        }

        var type = context.Request.ContentType is { } given && given.StartsWith("image/", StringComparison.Ordinal) ? given : "application/octet-stream";
        switch (store.Keep(id, type, body.GetBuffer().AsSpan(0, (int)body.Length), Cluster))
        {
            case Kept.Otherwise:
                await RefuseAsync(context.Response, StatusCodes.Status409Conflict, "another image has that id");
                return;
            case Kept.Now:
                context.Response.StatusCode = StatusCodes.Status201Created;
                break;
        }

        var image = store.Find(id)!;
        context.Response.Headers["X-Sha256"] = image.Sha256;
        await SendAsync(context.Response, new KeptAnswer(id, image.Sha256, Cluster), WebJson.Default.KeptAnswer);
    }

    private static async Task ShowAsync(HttpResponse response, ImageStore store, string id)
    {
        if (store.Find(id) is not { } image)
        {
            await RefuseAsync(response, StatusCodes.Status404NotFound, "no image has that id");
            return;
        }

        response.ContentType = image.Type;
        response.ContentLength = image.Size;
        response.Headers["X-Sha256"] = image.Sha256;
        // An id never gets other bytes. An uploaded drawing may hold scripts; as a page of its own it may not run them.
        response.Headers.CacheControl = "private, max-age=3600, immutable";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        await response.SendFileAsync(store.FileOf(id));
    }

    private static async Task ItemsAsync(HttpContext context, ImageStore store)
    {
        try
        {
            var ids = await JsonSerializer.DeserializeAsync(context.Request.Body, WebJson.Default.StringArray, context.RequestAborted) ?? [];
            await SendAsync(context.Response, new ItemsAnswer(Cluster, store.HashesOf(ids)), WebJson.Default.ItemsAnswer);
        }
        catch (JsonException)
        {
            await RefuseAsync(context.Response, StatusCodes.Status400BadRequest, "a JSON array of ids is expected");
        }
    }

    private static Task RefuseAsync(HttpResponse response, int code, string why)
    {
        response.StatusCode = code;
        return SendAsync(response, "text/plain", System.Text.Encoding.UTF8.GetBytes(why + "\n"));
    }

    private static Task SendAsync<T>(HttpResponse response, T answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        => SendAsync(response, "application/json", JsonSerializer.SerializeToUtf8Bytes(answer, type));

    private static Task SendAsync(HttpResponse response, string type, byte[] bytes)
    {
        response.ContentType = type;
        response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(response.HttpContext.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(bytes).AsTask();
    }

    private static byte[] Page()
    {
        using var resource = typeof(Web).Assembly.GetManifestResourceStream("index.html")!;
        using var reader = new StreamReader(resource);
        // So that the page says who served it even where scripts are off.
        return System.Text.Encoding.UTF8.GetBytes(reader.ReadToEnd().Replace("{{cluster}}", WebUtility.HtmlEncode(Cluster), StringComparison.Ordinal));
    }
}

internal sealed record StatusAnswer(string Cluster, string Address, long Images, long Bytes, DateTimeOffset StartedAt);

internal sealed record ImagesAnswer(string Cluster, IReadOnlyList<StoredImage> Images);

internal sealed record ItemsAnswer(string Cluster, IReadOnlyDictionary<string, string> Items);

internal sealed record KeptAnswer(string Id, string Sha256, string Cluster);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ImagesAnswer))]
[JsonSerializable(typeof(ItemsAnswer))]
[JsonSerializable(typeof(KeptAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class WebJson : JsonSerializerContext;
