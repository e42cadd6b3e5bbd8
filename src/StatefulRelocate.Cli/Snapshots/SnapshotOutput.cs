using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using StatefulRelocate.Snapshots.Browsing;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Retention;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary>How the data path's results are shown.</summary>
internal static class SnapshotOutput
{
    public static void Write(RepositoryChecked value) => Write(value, SnapshotJson.Default.RepositoryChecked);

    public static void Write(TakenDocument value) => Write(value, SnapshotJson.Default.TakenDocument);

    public static void Write(SnapshotRestored value) => Write(value, SnapshotJson.Default.SnapshotRestored);

    public static void Write(PreviewDocument value) => Write(value, SnapshotJson.Default.PreviewDocument);

    public static void Write(TreeVerified value) => Write(value, SnapshotJson.Default.TreeVerified);

    public static void Write(ForgetDocument value) => Write(value, SnapshotJson.Default.ForgetDocument);

    public static void Write(PruneOutcome value) => Write(value, SnapshotJson.Default.PruneOutcome);

    public static void Write(SnapshotDocument value) => Write(value, SnapshotJson.Default.SnapshotDocument);

    public static void Write(IReadOnlyList<SnapshotDocument> value) => Write(value, SnapshotJson.Default.IReadOnlyListSnapshotDocument);

    public static void Write(IReadOnlyList<SnapshotDifference> value) => Write(value, SnapshotJson.Default.IReadOnlyListSnapshotDifference);

    public static void Write(IReadOnlyList<SnapshotName> value) => Write(value, SnapshotJson.Default.IReadOnlyListSnapshotName);

    public static void Warn(IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
            Console.Error.WriteLine($"relocate: warning: {warning}");
    }

    public static string Line(SnapshotDifference difference)
        => $"{difference.Kind} {difference.Volume}:{(difference.Path.Length == 0 ? "." : difference.Path)}{(difference.BytesChanged > 0 ? $"  {Bytes(difference.BytesChanged)}" : "")}";

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

    private static void Write<T>(T value, JsonTypeInfo<T> type) => Console.WriteLine(JsonSerializer.Serialize(value, type));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(RepositoryChecked))]
[JsonSerializable(typeof(TakenDocument))]
[JsonSerializable(typeof(SnapshotRestored))]
[JsonSerializable(typeof(PreviewDocument))]
[JsonSerializable(typeof(TreeVerified))]
[JsonSerializable(typeof(ForgetDocument))]
[JsonSerializable(typeof(PruneOutcome))]
[JsonSerializable(typeof(SnapshotDocument))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotDocument>))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotDifference>))]
[JsonSerializable(typeof(IReadOnlyList<SnapshotName>))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
