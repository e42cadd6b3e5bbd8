namespace StatefulRelocate.Snapshots.Keys;

/// <summary>What opens a repository: a passphrase, or a key file.</summary>
public sealed class RepositoryKey
{
    private RepositoryKey(string? passphrase, byte[]? raw) => (Passphrase, Raw) = (passphrase, raw);

    internal string? Passphrase { get; }

    internal byte[]? Raw { get; }

    /// <summary>A key behind a passphrase (Argon2id, 19 MiB, two passes: about 70 ms for each process that opens the repository).</summary>
    /// <param name="passphrase">Not empty.</param>
    public static RepositoryKey FromPassphrase(string passphrase) => new(passphrase, null);

    /// <summary>A key file: 32 bytes in hex on its first line. Opening with it costs nothing.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Core.Errors.RelocateException">It cannot be read or is no key file.</exception>
    public static RepositoryKey FromKeyFile(string path) => new(null, Convert.FromHexString(File.ReadAllText(path).Trim()));
}
