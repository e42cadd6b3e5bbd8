using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Index;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots;

/// <summary>Encrypted, deduplicated snapshots of many apps in one object store. Safe for use from several tasks at once.</summary>
public sealed class Repository
{
    /// <summary>The format that this version writes and reads.</summary>
    public const int FormatVersion = 0;

    private Repository(IObjectStore store, string id, KeyRing keys)
    {
        (Store, Id, Keys) = (store, id, keys);
        Index = new BlockIndex(this);
        Snapshots = new ManifestStore(this);
    }

    /// <summary>The repository's id, 32 hex digits.</summary>
    public string Id { get; }

    /// <summary>Where its objects live.</summary>
    public IObjectStore Store { get; }

    /// <summary>Its snapshots.</summary>
    public ManifestStore Snapshots { get; }

    internal KeyRing Keys { get; }

    internal BlockIndex Index { get; }

    /// <summary>Makes a repository in an empty store.</summary>
    /// <exception cref="RelocateException">There is one already.</exception>
    public static async Task<Repository> InitializeAsync(IObjectStore store, RepositoryKey key, CancellationToken cancellationToken)
    {
        if (await store.HeadAsync("config", cancellationToken).ConfigureAwait(false) is not null)
            throw AlreadyThere(store);
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var master = RandomNumberGenerator.GetBytes(32);
        var keys = new KeyRing(master);
        var config = new ConfigObject { Format = ConfigObject.ThisFormat, Version = FormatVersion, Id = id, BlockSize = Chunks.Blocks.Size };
        config = config with { Authenticator = Authenticate(keys, config) };

        // The key first: a repository whose config is there can always be opened.
        var keyName = $"keys/{id}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var wrapped = JsonSerializer.SerializeToUtf8Bytes(KeyWrapping.Wrap(key, id, master), RepositoryJson.Default.WrappedKey);
        await store.PutAsync(keyName, wrapped, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        var content = JsonSerializer.SerializeToUtf8Bytes(config, RepositoryJson.Default.ConfigObject);
        if (await store.PutAsync("config", content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is null)
        {
            await store.DeleteAsync(keyName, CancellationToken.None).ConfigureAwait(false);
            throw AlreadyThere(store);
        }

        return new Repository(store, id, keys);
    }

    /// <summary>Opens a repository.</summary>
    /// <exception cref="RelocateException">It is none, its format is unknown, or the key is wrong.</exception>
    public static async Task<Repository> OpenAsync(IObjectStore store, RepositoryKey key, CancellationToken cancellationToken)
    {
        var stored = await store.GetAsync("config", cancellationToken).ConfigureAwait(false)
            ?? throw new RelocateException($"{store.Description}: not a repository; make one with 'relocate repo init'");
        ConfigObject? config = null;
        try
        {
            config = JsonSerializer.Deserialize(stored.Content, RepositoryJson.Default.ConfigObject);
        }
        catch (JsonException)
        {
            // Told below.
        }

        if (config?.Format != ConfigObject.ThisFormat)
            throw new RelocateException($"{store.Description}: not a repository of this program: its 'config' is something else or damaged");
        if (config.Version != FormatVersion)
            throw new RelocateException($"{store.Description}: the repository has format version {config.Version}, and this program knows {FormatVersion} only; use the program that made it");
        if (config.BlockSize != Chunks.Blocks.Size || config.Id.Length != 32)
            throw new RelocateException($"{store.Description}: the repository's 'config' has parameters that this program does not know");

        await foreach (var (name, _, _) in store.ListAsync("keys/" + config.Id, cancellationToken).ConfigureAwait(false))
        {
            if (await store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } keyObject)
                continue;
            if (ParseKey(keyObject.Content) is not { } wrapped || KeyWrapping.Unwrap(key, config.Id, wrapped) is not { } master)
                continue;
            var keys = new KeyRing(master);
            if (!CryptographicOperations.FixedTimeEquals(Authenticate(keys, config), config.Authenticator))
                throw new DamageException("config", "its content does not authenticate");
            return new Repository(store, config.Id, keys);
        }

        throw new RelocateException($"{store.Description}: wrong {(key.Passphrase is null ? "key file" : "passphrase")}: it opens none of the repository's keys");
    }

    /// <summary>Puts a small encrypted object, as in <c>apps/web/r-1</c>, in place of what was there.</summary>
    public Task PutSealedAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        => Store.PutAsync(name, Keys.Seal("sealed", name, content.Span), PutCondition.Always, cancellationToken);

    /// <summary>Gets a small encrypted object, or null when there is none.</summary>
    /// <exception cref="DamageException">It is not what was put under that name.</exception>
    public async Task<byte[]?> GetSealedAsync(string name, CancellationToken cancellationToken)
        => await Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is { } stored ? Keys.Open("sealed", name, stored.Content) : null;

    /// <summary>Deletes a small encrypted object; one that is not there is no error.</summary>
    public Task DeleteSealedAsync(string name, CancellationToken cancellationToken) => Store.DeleteAsync(name, cancellationToken);

    /// <summary>Whether the store still is this repository: an unmounted directory is empty, and emptiness must not read as "no record".</summary>
    internal async Task RequirePresentAsync(CancellationToken cancellationToken)
    {
        var stored = await Store.GetAsync("config", cancellationToken).ConfigureAwait(false);
        if (stored is null || !Encoding.UTF8.GetString(stored.Content).Contains(Id, StringComparison.Ordinal))
            throw new ObjectStoreException($"{Store.Description}: the repository is not there any more (is it mounted?)");
    }

    private static WrappedKey? ParseKey(byte[] content)
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

    private static byte[] Authenticate(KeyRing keys, ConfigObject config)
        => HMACSHA256.HashData(keys.ConfigKey, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{config.Format}\0{config.Version}\0{config.Id}\0{config.BlockSize}")));

    private static RelocateException AlreadyThere(IObjectStore store) => new($"{store.Description}: there is a repository already");
}
