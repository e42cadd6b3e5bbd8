using System.Net;
using StatefulRelocate.Core.Errors;
using Temporalio.Converters;

namespace StatefulRelocate.Server.Codec;

/// <summary>Makes the codec endpoint of what the command line says, or none.</summary>
internal static class CodecSettings
{
    /// <param name="origins">The values of <c>--codec-origin</c>.</param>
    /// <param name="tokenFile">The value of <c>--codec-token-file</c>.</param>
    /// <param name="listen">The value of <c>--listen</c>.</param>
    /// <param name="codec">Encrypts, or null: no payload key is configured.</param>
    /// <returns>The endpoint, or null where nobody asked for one.</returns>
    /// <exception cref="RelocateException">The options do not fit together.</exception>
    public static CodecEndpoint? Read(IReadOnlyList<string> origins, string? tokenFile, IPEndPoint? listen, IPayloadCodec? codec)
    {
        if (origins.Count == 0)
            return tokenFile is null ? null : throw new RelocateException("--codec-token-file is of no use without --codec-origin, which says who may decode payloads");
        if (listen is null)
            throw new RelocateException("--codec-origin needs --listen, the address where payloads are decoded");
        if (codec is null)
            throw new RelocateException("--codec-origin needs a payload key ($RELOCATE_PAYLOAD_KEY_FILE); without one nothing is encrypted, and the Temporal UI needs no help");
        if (tokenFile is null && !IPAddress.IsLoopback(listen.Address))
            throw new RelocateException($"--codec-origin with --listen {listen}: whoever reaches that address could decode payloads; listen on a loopback address, or ask for a token with --codec-token-file");
        foreach (var origin in origins)
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.GetLeftPart(UriPartial.Authority) != origin)
                throw new RelocateException($"--codec-origin {origin}: not an origin; write scheme, host and port as the browser shows them, like http://127.0.0.1:8233");
        return new CodecEndpoint(codec, [.. origins], tokenFile is null ? null : ReadToken(tokenFile));
    }

    private static string ReadToken(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } token ? token : throw new RelocateException($"--codec-token-file {path}: it is empty; write a token into it");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"--codec-token-file {path}: {error.Message}", inner: error);
        }
    }
}
