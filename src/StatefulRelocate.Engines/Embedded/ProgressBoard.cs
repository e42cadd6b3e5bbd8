using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Engines;

/// <summary>
/// What the steps in flight are at, for this and other terminals: a small file for each relocation beside the journal, replaced a few
/// times a second and never fsynced, because it is worth nothing after a crash.
/// </summary>
public sealed class ProgressBoard
{
    private static readonly TimeSpan LeastBetweenWrites = TimeSpan.FromMilliseconds(100);

    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Sheet> _sheets = new(StringComparer.Ordinal);

    /// <summary>Makes one.</summary>
    /// <param name="directory">The directory of the journal.</param>
    /// <param name="time">The clock.</param>
    public ProgressBoard(string directory, TimeProvider time) => (_directory, _time) = (directory, time);

    /// <summary>Notes a heartbeat.</summary>
    internal void Note(string relocationId, string step, ActivityProgress progress)
    {
        var sheet = _sheets.GetOrAdd(relocationId, static _ => new Sheet());
        lock (sheet)
        {
            sheet.Steps[step] = progress;
            var now = _time.GetTimestamp();
            if (sheet.WrittenAt is { } at && _time.GetElapsedTime(at, now) < LeastBetweenWrites)
                return;
            sheet.WrittenAt = now;
            Write(relocationId, sheet);
        }
    }

    /// <summary>Forgets a step that ended.</summary>
    internal void Forget(string relocationId, string step)
    {
        if (_sheets.TryGetValue(relocationId, out var sheet))
            lock (sheet)
                sheet.Steps.Remove(step);
    }

    /// <summary>Forgets a relocation that ended.</summary>
    internal void Remove(string relocationId)
    {
        _sheets.TryRemove(relocationId, out _);
        File.Delete(FileOf(_directory, relocationId));
    }

    /// <summary>What the steps in flight were at when last heard of; empty when nothing is known.</summary>
    /// <param name="directory">The directory of the journal.</param>
    /// <param name="relocationId">The relocation.</param>
    public static IReadOnlyDictionary<string, ActivityProgress> Read(string directory, string relocationId)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(FileOf(directory, relocationId)), ProgressJson.Default.SortedDictionaryStringActivityProgress) ?? [];
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            return new SortedDictionary<string, ActivityProgress>();
        }
    }

    private void Write(string relocationId, Sheet sheet)
    {
        var path = FileOf(_directory, relocationId);
        try
        {
            File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(sheet.Steps, ProgressJson.Default.SortedDictionaryStringActivityProgress));
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk must not stop a relocation for the sake of a progress bar.
        }
    }

    private static string FileOf(string directory, string relocationId) => Path.Combine(directory, $"progress-{relocationId}.json");

    private sealed class Sheet
    {
        public SortedDictionary<string, ActivityProgress> Steps { get; } = new(StringComparer.Ordinal);

        public long? WrittenAt { get; set; }
    }
}

/// <summary>The JSON form of the progress file.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SortedDictionary<string, ActivityProgress>))]
internal sealed partial class ProgressJson : JsonSerializerContext;
