using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Retention;

/// <summary>
/// The object <c>prune/&lt;16 hex&gt;</c>: objects that nothing needed when a prune looked, and that will be deleted later unless something
/// needs them then. Whoever begins to write after it stands must not rely on them.
/// </summary>
internal sealed record DeletionMark
{
    public const string Prefix = "prune/";

    /// <summary>The condemned objects, in ordinal order.</summary>
    public ImmutableArray<string> Objects { get; init; } = [];

    public static string NewName() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Whether an object below <c>prune/</c> is a mark itself, and not what belongs to one.</summary>
    public static bool IsMark(string name) => !name.Contains('.', StringComparison.Ordinal);

    public async Task PutAsync(Repository repository, string name, CancellationToken cancellationToken)
    {
        if (!await TryPutAsync(repository, name, cancellationToken).ConfigureAwait(false))
            throw new ObjectStoreException($"{repository.Store.Description}: an object {name} of another origin is there already");
    }

    /// <summary>False when there is one of that name already.</summary>
    public async Task<bool> TryPutAsync(Repository repository, string name, CancellationToken cancellationToken)
    {
        var content = JsonSerializer.SerializeToUtf8Bytes(this, RetentionJson.Default.DeletionMark);
        return await repository.Store.PutAsync(name, repository.Keys.Seal("prune", name, content), PutCondition.IfAbsent, cancellationToken).ConfigureAwait(false) is not null;
    }

    /// <summary>A mark, or null when it is gone.</summary>
    /// <exception cref="DamageException">It is none.</exception>
    public static async Task<DeletionMark?> ReadAsync(Repository repository, string name, CancellationToken cancellationToken)
    {
        if (await repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
            return null;
        try
        {
            var mark = JsonSerializer.Deserialize(repository.Keys.Open("prune", name, stored.Content), RetentionJson.Default.DeletionMark);
            return mark is { Objects.IsDefault: false } ? mark : throw new DamageException(name, "it is no list of objects to delete");
        }
        catch (JsonException error)
        {
            throw new DamageException(name, "it is no list of objects to delete", error);
        }
    }

    /// <summary>All objects that any mark condemns. A mark that cannot be read is an error: what it condemns must not be relied on.</summary>
    public static async Task<HashSet<string>> CondemnedAsync(Repository repository, CancellationToken cancellationToken)
    {
        var condemned = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var (name, _, _) in repository.Store.ListAsync(Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (IsMark(name) && await ReadAsync(repository, name, cancellationToken).ConfigureAwait(false) is { } mark)
                condemned.UnionWith(mark.Objects);
        }

        return condemned;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeletionMark))]
[JsonSerializable(typeof(WriterNote))]
internal sealed partial class RetentionJson : JsonSerializerContext;
