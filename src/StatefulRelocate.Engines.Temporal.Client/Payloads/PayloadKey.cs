using System.Security.Cryptography;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Engines.Temporal.Client.Payloads;

/// <summary>Reads the key of the payloads.</summary>
public static class PayloadKey
{
    /// <summary>The length of a key in bytes.</summary>
    public const int Length = 32;

    private const UnixFileMode ReadableByOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads a file with 32 bytes as 64 hex digits or in base64; white space around them is allowed. Others must not be able to read it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="RelocateException">It cannot be read, others can read it, or it holds no key. What it holds is never told.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            if ((File.GetUnixFileMode(path) & ReadableByOthers) != 0)
                throw new RelocateException($"{path}: everybody may read this payload key; run 'chmod 600 {path}'");
            return Parse(File.ReadAllText(path).Trim())
                ?? throw new RelocateException($"{path}: no payload key; write 32 random bytes as 64 hex digits or in base64, as 'openssl rand -hex 32' prints them");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: the payload key cannot be read (RELOCATE_PAYLOAD_KEY_FILE): {error.Message}", inner: error);
        }
    }

    private static byte[]? Parse(string text)
    {
        var key = new byte[Length];
        if (text.Length == 2 * Length)
            return Convert.FromHexString(text, key, out _, out var digits) == System.Buffers.OperationStatus.Done && digits == Length ? key : null;
        if (text.Length <= 2 * Length && Convert.TryFromBase64String(text, key, out var bytes) && bytes == Length)
            return key;
        CryptographicOperations.ZeroMemory(key);
        return null;
    }
}
