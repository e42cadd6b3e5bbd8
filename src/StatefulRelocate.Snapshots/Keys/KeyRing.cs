using System.Security.Cryptography;
using System.Text;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Snapshots.Keys;

/// <summary>The repository's master key and what is derived from it. Every object gets a key of its own: purpose, name and a fresh salt.</summary>
internal sealed class KeyRing
{
    public const int SaltLength = 16, TagLength = 16, HeaderLength = 4 + SaltLength;

    /// <summary>Bytes of a sealed object that holds nothing.</summary>
    public const int EmptyLength = HeaderLength + TagLength;

    private static readonly byte[] Magic = "SRO0"u8.ToArray();

    public KeyRing(byte[] master)
    {
        Master = master;
        ContentKey = Derive([], "content");
        TreeKey = Derive([], "tree");
        ConfigKey = Derive([], "config");
    }

    /// <summary>What all others are derived from; it leaves memory only wrapped.</summary>
    public byte[] Master { get; }

    /// <summary>Names blocks by their content.</summary>
    public byte[] ContentKey { get; }

    /// <summary>Hashes entries and trees.</summary>
    public byte[] TreeKey { get; }

    /// <summary>Authenticates <c>config</c>.</summary>
    public byte[] ConfigKey { get; }

    /// <summary>The keys of one app's own domain. Whoever has them cannot get back to these.</summary>
    public KeyRing ForApp(string app) => new(Derive([], $"app\0{app}"));

    public AesGcm Cipher(string purpose, string name, ReadOnlySpan<byte> salt) => new(Derive(salt, $"{purpose}\0{name}"), TagLength);

    /// <summary>Encrypts a whole object: magic, salt, ciphertext, tag. The key is used once, so the nonce is zero.</summary>
    public byte[] Seal(string purpose, string name, ReadOnlySpan<byte> content)
    {
        var sealedObject = new byte[HeaderLength + content.Length + TagLength];
        Magic.CopyTo(sealedObject, 0);
        var salt = sealedObject.AsSpan(4, SaltLength);
        RandomNumberGenerator.Fill(salt);
        using var cipher = Cipher(purpose, name, salt);
        cipher.Encrypt(stackalloc byte[12], content, sealedObject.AsSpan(HeaderLength, content.Length), sealedObject.AsSpan(HeaderLength + content.Length), Bind(purpose, name));
        return sealedObject;
    }

    /// <summary>Decrypts and authenticates a whole object.</summary>
    /// <exception cref="DamageException">It is not what was written under that name.</exception>
    public byte[] Open(string purpose, string name, ReadOnlySpan<byte> sealedObject)
    {
        if (sealedObject.Length < HeaderLength + TagLength || !sealedObject[..4].SequenceEqual(Magic))
            throw new DamageException(name, "it is truncated or no object of this format");
        var content = new byte[sealedObject.Length - HeaderLength - TagLength];
        using var cipher = Cipher(purpose, name, sealedObject.Slice(4, SaltLength));
        try
        {
            cipher.Decrypt(stackalloc byte[12], sealedObject.Slice(HeaderLength, content.Length), sealedObject[^TagLength..], content, Bind(purpose, name));
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new DamageException(name, "its content does not authenticate: it was changed, truncated or put in another's place", error);
        }

        return content;
    }

    public static byte[] Bind(string purpose, string name) => Encoding.UTF8.GetBytes($"{purpose}\0{name}");

    private byte[] Derive(ReadOnlySpan<byte> salt, string info)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Master, key, salt, Encoding.UTF8.GetBytes("stateful-relocate/0/" + info));
        return key;
    }
}

/// <summary>An object of the repository, or restored data, is not what was written.</summary>
public sealed class DamageException : RelocateException
{
    /// <summary>Makes one.</summary>
    /// <param name="what">The object's name, or a file.</param>
    /// <param name="why">What was found.</param>
    /// <param name="inner">What lies below.</param>
    public DamageException(string what, string why, Exception? inner = null)
        : base($"{what}: damaged: {why}", Core.Errors.ExitCode.Damage, inner)
    {
    }
}
