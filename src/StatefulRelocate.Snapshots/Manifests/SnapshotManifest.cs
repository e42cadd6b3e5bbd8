using System.Collections.Immutable;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Snapshots.Manifests;

/// <summary>A sealed snapshot: the object <c>snapshots/&lt;id&gt;</c>, written last, after everything it names is durable.</summary>
public sealed record SnapshotManifest
{
    /// <summary>The version of this document: 0.</summary>
    public int Version { get; init; }

    /// <summary>The snapshot's id.</summary>
    public required string Id { get; init; }

    /// <summary>The app.</summary>
    public required string App { get; init; }

    /// <summary>When the round began.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The relocation, if it was taken in one.</summary>
    public string? RelocationId { get; init; }

    /// <summary>The round.</summary>
    public int Round { get; init; }

    /// <summary>Whether it was taken while nothing wrote.</summary>
    public bool Final { get; init; }

    /// <summary>The snapshot it was compared with, or null. Nothing of that one's manifest is needed to restore this.</summary>
    public string? Parent { get; init; }

    /// <summary>Words that it was given, in the order given.</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>Where it was taken: the volumes' names, in the order that paths refer to.</summary>
    public ImmutableArray<string> Volumes { get; init; } = [];

    /// <summary>The layers of the tree: a full one, then changes; each a list of objects below <c>maps/</c>.</summary>
    public ImmutableArray<ImmutableArray<string>> Layers { get; init; } = [];

    /// <summary>The root of the hash tree, in hex.</summary>
    public required string RootHash { get; init; }

    /// <summary>Names in the tree.</summary>
    public long Entries { get; init; }

    /// <summary>The sum of the sizes of all files.</summary>
    public long Bytes { get; init; }

    /// <summary>What the round read and shipped, this manifest excluded.</summary>
    public RoundFigures Figures { get; init; } = new();

    /// <summary>What was skipped or carried as it was.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>Whether this is no snapshot, but the mark of one that a prune gave up while it was being taken.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool GivenUp { get; init; }
}

/// <summary>The object <c>config</c>: not secret, authenticated by the master key.</summary>
internal sealed record ConfigObject
{
    public const string ThisFormat = "stateful-relocate-repository";

    public const string ByStore = "store", ByClaims = "claims";

    public required string Format { get; init; }

    public required int Version { get; init; }

    public required string Id { get; init; }

    public required int BlockSize { get; init; }

    /// <summary>Blocks in a chunk; 0 where the program that made it did not say.</summary>
    public int ChunkBlocks { get; init; }

    /// <summary>Who keeps the conditions of puts: the one for all who use the repository.</summary>
    public required string Conditions { get; init; }

    /// <summary>HMAC-SHA-256 over <c>format NUL version NUL id NUL blockSize NUL chunkBlocks NUL conditions</c>.</summary>
    public required byte[] Authenticator { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(SnapshotManifest))]
[JsonSerializable(typeof(ConfigObject))]
[JsonSerializable(typeof(WrappedKey))]
internal sealed partial class RepositoryJson : JsonSerializerContext;
