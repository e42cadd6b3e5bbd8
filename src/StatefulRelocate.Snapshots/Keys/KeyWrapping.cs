using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Konscious.Security.Cryptography;
using StatefulRelocate.Snapshots.Manifests;

namespace StatefulRelocate.Snapshots.Keys;

/// <summary>The objects below <c>keys/</c>: the master key, wrapped by a passphrase or a key file.</summary>
internal static class KeyWrapping
{
    // The OWASP minimum for Argon2id: 70 ms here. 64 MiB x 3 would alone eat a blackout's budget in each process.
    private const int MemoryKiB = 19 * 1024, Passes = 2;
    public const string Argon = "argon2id", File = "file";

    /// <summary>A key object, or null when it is none.</summary>
    public static WrappedKey? Parse(byte[] content)
    {
        try
        {
            return JsonSerializer.Deserialize(content, RepositoryJson.Default.WrappedKey);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static WrappedKey Wrap(RepositoryKey key, string repositoryId, string? app, byte[] master)
    {
        var wrapped = new WrappedKey
        {
            Kind = key.Passphrase is null ? File : Argon,
            App = app,
            Salt = RandomNumberGenerator.GetBytes(16),
            Nonce = RandomNumberGenerator.GetBytes(12),
            MemoryKiB = key.Passphrase is null ? 0 : MemoryKiB,
            Passes = key.Passphrase is null ? 0 : Passes,
            Lanes = key.Passphrase is null ? 0 : 1,
            Wrapped = [],
        };
        var content = new byte[master.Length + KeyRing.TagLength];
        using var cipher = new AesGcm(WrappingKey(key, wrapped), KeyRing.TagLength);
        cipher.Encrypt(wrapped.Nonce, master, content.AsSpan(0, master.Length), content.AsSpan(master.Length), KeyRing.Bind("key", Scope(repositoryId, app)));
        return wrapped with { Wrapped = content };
    }

    /// <summary>The master key, or null when this key does not open it.</summary>
    public static byte[]? Unwrap(RepositoryKey key, string repositoryId, WrappedKey wrapped)
    {
        if (wrapped.Kind != (key.Passphrase is null ? File : Argon) || wrapped.Wrapped.Length != 32 + KeyRing.TagLength || wrapped.Nonce.Length != 12 || wrapped.Salt.Length != 16)
            return null;

        // Whoever can write to the store chooses these numbers: they must neither be nonsense nor cost minutes and gigabytes.
        if (key.Passphrase is not null && (wrapped.Lanes is < 1 or > 16 || wrapped.Passes is < 1 or > 100 || wrapped.MemoryKiB < 8 * wrapped.Lanes || wrapped.MemoryKiB > 1 << 20
            || (long)wrapped.MemoryKiB * wrapped.Passes > 4 << 20))
            return null;
        var master = new byte[32];
        using var cipher = new AesGcm(WrappingKey(key, wrapped), KeyRing.TagLength);
        try
        {
            cipher.Decrypt(wrapped.Nonce, wrapped.Wrapped.AsSpan(0, 32), wrapped.Wrapped.AsSpan(32), master, KeyRing.Bind("key", Scope(repositoryId, wrapped.App)));
            return master;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static string Scope(string repositoryId, string? app) => app is null ? repositoryId : $"{repositoryId}\0{app}";

    private static byte[] WrappingKey(RepositoryKey key, WrappedKey parameters)
    {
        if (key.Passphrase is null)
            return HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Raw!, 32, parameters.Salt, "stateful-relocate/0/wrap"u8.ToArray());
        using var argon = new Argon2id(Encoding.UTF8.GetBytes(key.Passphrase))
        {
            Salt = parameters.Salt,
            MemorySize = parameters.MemoryKiB,
            Iterations = parameters.Passes,
            DegreeOfParallelism = parameters.Lanes,
        };
        return argon.GetBytes(32);
    }
}

/// <summary>A wrapped master key, as JSON below <c>keys/</c>.</summary>
internal sealed record WrappedKey
{
    public required string Kind { get; init; }

    /// <summary>The one app whose master key it wraps; null: the repository's.</summary>
    public string? App { get; init; }

    public string? Label { get; init; }

    public required byte[] Salt { get; init; }

    public required byte[] Nonce { get; init; }

    public int MemoryKiB { get; init; }

    public int Passes { get; init; }

    public int Lanes { get; init; }

    public required byte[] Wrapped { get; init; }
}
