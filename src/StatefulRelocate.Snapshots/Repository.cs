using System.Collections.Concurrent;
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

    private const string DomainPrefix = "domains/";

    private readonly ConcurrentDictionary<string, Repository> _apps = new(StringComparer.Ordinal);
    private readonly ConfigObject _config;

    private Repository(IObjectStore store, ConfigObject config, KeyRing keys, string? openedWith, string? app)
    {
        (Store, _config, Keys, OpenedWith, App) = (store, config, keys, openedWith, app);

        // What a machine remembers of one domain is of no use in another.
        Id = app is null ? config.Id : Convert.ToHexStringLower(HMACSHA256.HashData(keys.ConfigKey, Encoding.UTF8.GetBytes($"{config.Id}\0{app}"))[..16]);
        Index = new BlockIndex(this);
        Snapshots = new ManifestStore(this);
    }

    /// <summary>The repository's id, 32 hex digits; another one for each app that has a key domain of its own.</summary>
    public string Id { get; }

    /// <summary>The one app that this is the key domain of, or null: the whole repository.</summary>
    public string? App { get; }

    /// <summary>Where its objects live.</summary>
    public IObjectStore Store { get; }

    /// <summary>
    /// Whether the store itself keeps the conditions of puts. Where it does not, the writers agree by claims: good for snapshots, but a put whose answer was
    /// lost may still take effect after its claim is gone, which a writer record must never suffer.
    /// </summary>
    public bool StoreKeepsConditions => _config.Conditions == ConfigObject.ByStore;

    /// <summary>Its snapshots.</summary>
    public ManifestStore Snapshots { get; }

    internal KeyRing Keys { get; }

    /// <summary>The id in <c>config</c>.</summary>
    internal string RootId => _config.Id;

    /// <summary>The key object that opened it, or null in the session that made it.</summary>
    internal string? OpenedWith { get; }

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
        var conditions = store is IConditionProbe probe ? await probe.ProbeAsync(cancellationToken).ConfigureAwait(false) : ConditionKeeping.Store;
        var config = new ConfigObject { Format = ConfigObject.ThisFormat, Version = FormatVersion, Id = id, BlockSize = Chunks.Blocks.Size, ChunkBlocks = Chunks.BlockMap.ChunkBlocks, Conditions = conditions == ConditionKeeping.Store ? ConfigObject.ByStore : ConfigObject.ByClaims, Authenticator = [] };
        config = config with { Authenticator = Authenticate(keys, config) };

        // The key first: a repository whose config is there can always be opened.
        var keyName = $"keys/{id}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        var wrapped = JsonSerializer.SerializeToUtf8Bytes(KeyWrapping.Wrap(key, id, null, master), RepositoryJson.Default.WrappedKey);
        await store.PutAsync(keyName, wrapped, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        var content = JsonSerializer.SerializeToUtf8Bytes(config, RepositoryJson.Default.ConfigObject);
        if (await store.PutAsync("config", content, PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is null)
        {
            await store.DeleteAsync(keyName, CancellationToken.None).ConfigureAwait(false);
            throw AlreadyThere(store);
        }

        return new Repository(store, config, keys, keyName, null);
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
        if (config.BlockSize != Chunks.Blocks.Size || config.ChunkBlocks != Chunks.BlockMap.ChunkBlocks || config.Id.Length != 32 || config.Conditions is not (ConfigObject.ByStore or ConfigObject.ByClaims))
            throw new RelocateException($"{store.Description}: the repository's 'config' has parameters that this program does not know; use the program that made it");
        (store as IConditionProbe)?.Remember(config.Conditions == ConfigObject.ByStore ? ConditionKeeping.Store : ConditionKeeping.Claims);

        await foreach (var (name, _, _) in store.ListAsync("keys/" + config.Id, cancellationToken).ConfigureAwait(false))
        {
            if (await store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } keyObject)
                continue;
            if (KeyWrapping.Parse(keyObject.Content) is not { } wrapped || KeyWrapping.Unwrap(key, config.Id, wrapped) is not { } master)
                continue;
            var keys = new KeyRing(master);
            if (wrapped.App is { } app)
            {
                var domain = new Repository(new AppDomainStore(store, app), config, keys, name, app);
                return await domain.IsMarkedAsync(cancellationToken).ConfigureAwait(false) ? domain
                    : throw new DamageException(DomainName(app), "it is missing, so the key of that app opens nothing");
            }

            if (!CryptographicOperations.FixedTimeEquals(Authenticate(keys, config), config.Authenticator))
                throw new DamageException("config", "its content does not authenticate");
            return new Repository(store, config, keys, name, null);
        }

        throw new RelocateException($"{store.Description}: wrong {(key.Passphrase is null ? "key" : "passphrase")}: it opens none of the repository's keys");
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

    /// <summary>
    /// Where the snapshots and the writer record of an app are: its own key domain, if it has one, else this. What is found is remembered,
    /// so a session must be opened again after the first key of an app was added.
    /// </summary>
    /// <exception cref="RelocateException">This session was opened with a key of another app.</exception>
    public async Task<Repository> ForAppAsync(string app, CancellationToken cancellationToken)
    {
        if (App is not null)
            return App == app ? this : throw new RelocateException($"{Store.Description}: the key opens app '{App}' only, and not '{app}'");
        if (!IsAppName(app))
            return this;
        return _apps.TryGetValue(app, out var known) ? known : _apps.GetOrAdd(app, await FindDomainAsync(app, cancellationToken).ConfigureAwait(false) ?? this);
    }

    /// <summary>This, and the key domains of all apps that have one; of a session opened with an app's key, this alone.</summary>
    public async IAsyncEnumerable<Repository> DomainsAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return this;
        if (App is not null)
            yield break;
        await foreach (var (name, _, _) in Store.ListAsync(DomainPrefix, cancellationToken).ConfigureAwait(false))
        {
            var app = name[DomainPrefix.Length..];
            if (IsAppName(app) && await FindDomainAsync(app, cancellationToken).ConfigureAwait(false) is { } domain)
                yield return _apps.AddOrUpdate(app, domain, (_, known) => known.App is null ? domain : known);
        }
    }

    internal static bool IsAppName(string app)
        => app.Length is > 0 and <= 120 && !app.StartsWith('.') && app.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-');

    /// <summary>The key domain of an app, whether there is one or not.</summary>
    internal Repository Domain(string app) => new(new AppDomainStore(Store, app), _config, Keys.ForApp(app), OpenedWith, app);

    /// <summary>The key domain of an app, or null when it has none.</summary>
    internal async Task<Repository?> FindDomainAsync(string app, CancellationToken cancellationToken)
    {
        var domain = Domain(app);
        if (!await domain.IsMarkedAsync(cancellationToken).ConfigureAwait(false))
            return null;
        _apps.TryRemove(KeyValuePair.Create(app, this));
        return domain;
    }

    /// <summary>Says that the app has this domain, and for whom has the app's key only, that <c>config</c> is right.</summary>
    internal async Task MarkDomainAsync(CancellationToken cancellationToken)
    {
        var name = DomainName(App!);
        var content = JsonSerializer.SerializeToUtf8Bytes(_config with { Authenticator = Authenticate(Keys, _config) }, RepositoryJson.Default.ConfigObject);
        await Store.PutAsync(name, Keys.Seal("domain", name, content), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> IsMarkedAsync(CancellationToken cancellationToken)
    {
        var name = DomainName(App!);
        if (await Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
            return false;
        var mark = JsonSerializer.Deserialize(Keys.Open("domain", name, stored.Content), RepositoryJson.Default.ConfigObject);
        return mark is not null && CryptographicOperations.FixedTimeEquals(mark.Authenticator, Authenticate(Keys, _config)) ? true
            : throw new DamageException("config", "its content does not authenticate");
    }

    private static string DomainName(string app) => DomainPrefix + app;

    /// <summary>Whether the store still is this repository: an unmounted directory is empty, and emptiness must not read as "no record".</summary>
    internal async Task RequirePresentAsync(CancellationToken cancellationToken)
    {
        var stored = await Store.GetAsync("config", cancellationToken).ConfigureAwait(false);
        if (stored is null || !Encoding.UTF8.GetString(stored.Content).Contains(RootId, StringComparison.Ordinal))
            throw new ObjectStoreException($"{Store.Description}: the repository is not there any more (is it mounted?)");
    }

    private static byte[] Authenticate(KeyRing keys, ConfigObject config)
        => HMACSHA256.HashData(keys.ConfigKey, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{config.Format}\0{config.Version}\0{config.Id}\0{config.BlockSize}\0{config.ChunkBlocks}\0{config.Conditions}")));

    private static RelocateException AlreadyThere(IObjectStore store) => new($"{store.Description}: there is a repository already");
}
