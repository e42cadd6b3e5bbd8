using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Cli.Commands;

/// <summary>How the data path's results are shown.</summary>
internal static class SnapshotOutput
{
    public static void Write(RepositoryChecked value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.RepositoryChecked));

    public static void Write(SnapshotTaken value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.SnapshotTaken));

    public static void Write(SnapshotRestored value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.SnapshotRestored));

    public static void Write(TreeVerified value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.TreeVerified));

    public static void Write(SnapshotManifest value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.SnapshotManifest));

    public static void Write(IReadOnlyList<SnapshotManifest> value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.IReadOnlyListSnapshotManifest));

    public static void Write(IReadOnlyList<SnapshotDifference> value) => Console.WriteLine(JsonSerializer.Serialize(value, SnapshotJson.Default.IReadOnlyListSnapshotDifference));

    public static void Warn(IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
            Console.Error.WriteLine($"relocate: warning: {warning}");
    }

    public static string Bytes(long bytes)
    {
        var (value, unit) = bytes switch
        {
            < 1 << 10 => (bytes, "B"),
            < 1 << 20 => (bytes / 1024.0, "KiB"),
            < 1 << 30 => (bytes / 1048576.0, "MiB"),
            _ => (bytes / 1073741824.0, "GiB"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {unit}");
    }

    public static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(RepositoryChecked))]
[JsonSerializable(typeof(SnapshotTaken))]
[JsonSerializable(typeof(SnapshotRestored))]
[JsonSerializable(typeof(TreeVerified))]
[JsonSerializable(typeof(SnapshotManifest))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotManifest>))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotDifference>))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
