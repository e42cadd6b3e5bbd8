using System.Security.Cryptography;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Snapshots.Keys;

/// <summary>What opens a repository: a passphrase, or a key file.</summary>
public sealed class RepositoryKey
{
    private RepositoryKey(string? passphrase, byte[]? raw) => (Passphrase, Raw) = (passphrase, raw);

    internal string? Passphrase { get; }

    internal byte[]? Raw { get; }

    /// <summary>A key behind a passphrase (Argon2id, 19 MiB, two passes: about 70 ms for each process that opens the repository).</summary>
    /// <param name="passphrase">Not empty.</param>
    /// <exception cref="RelocateException">It is empty.</exception>
    public static RepositoryKey FromPassphrase(string passphrase)
        => passphrase.Length > 0 ? new(passphrase, null) : throw new RelocateException("the repository's passphrase is empty; set RELOCATE_PASSPHRASE or name a key file");

    /// <summary>A key file: 32 bytes in hex on its first line. Opening with it costs nothing.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="RelocateException">It cannot be read or is no key file.</exception>
    public static RepositoryKey FromKeyFile(string path)
    {
        try
        {
            return FromKeyText(File.ReadLines(path).FirstOrDefault(""), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot read the key file: {error.Message}", inner: error);
        }
    }

    /// <summary>The key of a key file, from elsewhere.</summary>
    /// <param name="text">64 hex digits; space around them does not matter.</param>
    /// <param name="where">Where it comes from, for the message; the text is never shown.</param>
    /// <exception cref="RelocateException">It is no key.</exception>
    public static RepositoryKey FromKeyText(string text, string where)
    {
        var digits = text.Trim();
        if (digits.Length != 64 || !digits.All(char.IsAsciiHexDigit))
            throw new RelocateException($"{where}: not a key: its first line must be 64 hex digits, as 'openssl rand -hex 32' prints them");
        return new(null, Convert.FromHexString(digits));
    }

    /// <summary>Writes a new random key file, readable by its owner only.</summary>
    /// <param name="path">A file that does not exist yet.</param>
    /// <exception cref="RelocateException">It exists, or cannot be written.</exception>
    public static void CreateKeyFile(string path)
    {
        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n"));
            file.Flush(flushToDisk: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot make the key file: {error.Message}", inner: error);
        }
    }
}
