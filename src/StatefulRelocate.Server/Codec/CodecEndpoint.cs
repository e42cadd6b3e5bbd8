using System.Collections.Immutable;
using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using StatefulRelocate.Core.Errors;
using Temporalio.Api.Common.V1;
using Temporalio.Converters;

namespace StatefulRelocate.Server.Codec;

/// <summary>
/// The remote codec of Temporal (https://docs.temporal.io/codec-server): the UI in an operator's browser sends encrypted payloads here and shows what
/// comes back, so that the Temporal server itself never sees them in the clear. <c>Payloads</c> go both ways as protobuf's JSON.
/// </summary>
/// <param name="codec">Encrypts and decrypts.</param>
/// <param name="origins">The UIs; pages of any other origin are refused.</param>
/// <param name="token">The bearer token that is asked for, or null.</param>
internal sealed class CodecEndpoint(IPayloadCodec codec, ImmutableHashSet<string> origins, string? token)
{
    public const string Path = "/codec";

    public void AddTo(WebApplication application)
    {
        foreach (var (name, convert) in (ReadOnlySpan<(string, Func<IReadOnlyCollection<Payload>, Task<IReadOnlyCollection<Payload>>>)>)[("encode", codec.EncodeAsync), ("decode", codec.DecodeAsync)])
        {
            application.MapMethods($"{Path}/{name}", [HttpMethods.Options], context =>
            {
                context.Response.StatusCode = AllowOrigin(context) ? StatusCodes.Status204NoContent : StatusCodes.Status403Forbidden;
                return Task.CompletedTask;
            });
            application.MapPost($"{Path}/{name}", context => ConvertAsync(context, convert));
        }
    }

    private async Task ConvertAsync(HttpContext context, Func<IReadOnlyCollection<Payload>, Task<IReadOnlyCollection<Payload>>> convert)
    {
        if (!AllowOrigin(context))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, "this origin is not one of --codec-origin").ConfigureAwait(false);
            return;
        }

        if (!HasToken(context.Request))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "the bearer token of --codec-token-file is needed").ConfigureAwait(false);
            return;
        }

        try
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var payloads = Payloads.Parser.ParseJson(await reader.ReadToEndAsync(context.RequestAborted).ConfigureAwait(false));
            var converted = new Payloads();
            converted.Payloads_.AddRange(await convert(payloads.Payloads_).ConfigureAwait(false));
            context.Response.ContentType = MediaTypeNames.Application.Json;
            await context.Response.WriteAsync(JsonFormatter.Default.Format(converted), context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or InvalidJsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "the body is not the JSON of Payloads").ConfigureAwait(false);
        }
        catch (RelocateException error)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, error.Message).ConfigureAwait(false);
        }
    }

    /// <summary>A program sends no origin; a browser always does, and shows its page the answer only when it is told to.</summary>
    private bool AllowOrigin(HttpContext context)
    {
        if (context.Request.Headers.Origin is not [{ } origin])
            return true;
        if (!origins.Contains(origin))
            return false;
        var headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = origin;
        headers.AccessControlAllowCredentials = "true";
        headers.AccessControlAllowMethods = HttpMethods.Post;
        headers.AccessControlAllowHeaders = "authorization, content-type, x-namespace";
        headers.Vary = "Origin";
        return true;
    }

    private bool HasToken(HttpRequest request) => token is null
        || CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Headers.Authorization.ToString()), Encoding.UTF8.GetBytes($"Bearer {token}"));

    private static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync($"{why}\n", context.RequestAborted);
    }
}
