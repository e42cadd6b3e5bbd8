using System.Runtime.CompilerServices;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Keys;

/// <summary>
/// The objects of one app's key domain: what holds snapshots lies below <c>domain/&lt;app&gt;/</c>, so that a bucket's own rights can be
/// limited to it, too; everything else (<c>config</c>, <c>keys/</c>, <c>leases/</c>, <c>apps/</c>) keeps its name, so that an app has one
/// writer record only.
/// </summary>
internal sealed class AppDomainStore : IObjectStore
{
    private static readonly string[] s_own = ["packs/", "index/", "maps/", "snapshots/", "streams/", "writers/", "prune/"];
    private readonly IObjectStore _store;
    private readonly string _prefix;

    public AppDomainStore(IObjectStore store, string app)
    {
        (_store, _prefix) = (store, $"{PrefixOf}{app}/");
        Description = $"{store.Description} (app {app})";
    }

    public const string PrefixOf = "domain/";

    public string Description { get; }

    public int ConcurrentReads => _store.ConcurrentReads;

    public Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        => _store.PutAsync(Real(name), content, condition, cancellationToken);

    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellationToken) => _store.GetAsync(Real(name), cancellationToken);

    public Task GetRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        => _store.GetRangeAsync(Real(name), offset, destination, cancellationToken);

    public Task<ObjectHead?> HeadAsync(string name, CancellationToken cancellationToken) => _store.HeadAsync(Real(name), cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var real = Real(prefix);
        await foreach (var found in _store.ListAsync(real, cancellationToken).ConfigureAwait(false))
            yield return found with { Name = found.Name[(real.Length - prefix.Length)..] };
    }

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => _store.DeleteAsync(Real(name), cancellationToken);

    public Task DeleteManyAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
        => _store.DeleteManyAsync([.. names.Select(Real)], cancellationToken);

    public Task<DateTimeOffset> ServerTimeAsync(CancellationToken cancellationToken) => _store.ServerTimeAsync(cancellationToken);

    private string Real(string name) => s_own.Any(own => name.StartsWith(own, StringComparison.Ordinal)) ? _prefix + name : name;
}
