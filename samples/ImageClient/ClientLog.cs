using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ImageClient;

/// <summary>
/// One JSON object a line, each written to the file at once, so that SIGKILL loses none. <see cref="Stopwatch"/> reads CLOCK_MONOTONIC
/// here, which is the same for every process of the machine.
/// </summary>
internal sealed class ClientLog(string path) : IDisposable
{
    private readonly Lock gate = new();
    private readonly FileStream file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    private readonly Dictionary<string, int> servedBy = new(StringComparer.Ordinal);
    private int acknowledged;
    private int failed;
    private int mismatched;
    private double? lastAcknowledged;
    private double longestGap;

    /// <summary>Now, in milliseconds on the monotonic clock.</summary>
    public static double Now() => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    public void Acknowledged(string id, string sha256, string cluster, double monotonicMs)
    {
        lock (gate)
        {
            acknowledged++;
            servedBy[cluster] = servedBy.GetValueOrDefault(cluster) + 1;
            // Answers of requests that overlap are logged in any order.
            longestGap = Math.Max(longestGap, monotonicMs - (lastAcknowledged ?? monotonicMs));
            lastAcknowledged = Math.Max(lastAcknowledged ?? 0, monotonicMs);
            Write(new LogLine("acknowledged", id, sha256, cluster, TimeProvider.System.GetUtcNow(), monotonicMs, null));
        }
    }

    public void Failed(string id, string error)
    {
        lock (gate)
        {
            failed++;
            Write(new LogLine("failed", id, null, null, TimeProvider.System.GetUtcNow(), Now(), error));
        }
    }

    /// <summary>An acknowledged image was read back and is missing or another.</summary>
    public void Mismatched(string id, string error)
    {
        lock (gate)
        {
            mismatched++;
            Write(new LogLine("mismatched", id, null, null, TimeProvider.System.GetUtcNow(), Now(), error));
        }
    }

    /// <summary>All in one line.</summary>
    public string Summary()
    {
        lock (gate)
        {
            var clusters = servedBy.Count == 0 ? "" : $" ({string.Join(", ", servedBy.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"{each.Key}: {each.Value}"))})";
            return string.Create(CultureInfo.InvariantCulture, $"{acknowledged} writes acknowledged{clusters}, {failed} requests failed, {mismatched} images not as written, longest gap {longestGap:0.0} ms");
        }
    }

    public void Dispose() => file.Dispose();

    private void Write(LogLine line) => file.Write([.. JsonSerializer.SerializeToUtf8Bytes(line, LogJson.Default.LogLine), (byte)'\n']);
}

internal sealed record LogLine(string Event, string Id, string? Sha256, string? Cluster, DateTimeOffset At, double MonotonicMs, string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LogLine))]
internal sealed partial class LogJson : JsonSerializerContext;
