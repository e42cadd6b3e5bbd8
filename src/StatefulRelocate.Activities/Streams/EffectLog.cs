using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>
/// The durable memory of one app's effects on this cluster: lines appended and fsynced before anybody relies on them, folded into the
/// highest epoch, the high-water mark of each step, the outputs of what is done and the closed relocations. Not thread-safe.
/// </summary>
internal sealed class EffectLog : IDisposable
{
    // Older ones are refused by their epoch; the file stays small whatever the number of moves.
    private const int RelocationsKept = 16;

    private readonly string _path;
    private readonly List<string> _relocations = [];
    private readonly Dictionary<(string Relocation, string Step), (long Sequence, int Attempt)> _marks = [];
    private readonly Dictionary<(string Relocation, string Step, StepDirection Direction, long Sequence), EffectEntry> _done = [];
    private readonly HashSet<string> _closed = [];
    private readonly Dictionary<string, string> _runs = [];
    private FileStream? _file;

    public EffectLog(string path)
    {
        _path = path;
        if (File.Exists(path))
            Load();
    }

    public long HighestEpoch { get; private set; }

    public bool IsClosed(string relocation) => _closed.Contains(relocation);

    /// <summary>The run that acted last for the relocation, or null.</summary>
    public string? Run(string relocation) => _runs.GetValueOrDefault(relocation);

    /// <summary>The highest sequence number seen of a relocation, and the outputs of its dos, in the order of their dispatch.</summary>
    public (long Sequence, ImmutableArray<CapturedOutput> Outputs) Recall(string relocation) => (
        _marks.Where(mark => mark.Key.Relocation == relocation).Select(static mark => mark.Value.Sequence).DefaultIfEmpty().Max(),
        [
            .. _done.Values
                .Where(entry => entry.Relocation == relocation && entry is { Direction: StepDirection.Do, Step: not null, Output.TakenOver: null })
                .OrderBy(static entry => entry.Sequence)
                .Select(static entry => new CapturedOutput(entry.Step!, entry.Output!)),
        ]);

    public (long Sequence, int Attempt) Mark(string relocation, string step) => _marks.GetValueOrDefault((relocation, step));

    public EffectEntry? Done(string relocation, string step, StepDirection direction, long sequence) =>
        _done.GetValueOrDefault((relocation, step, direction, sequence));

    /// <summary>Appends; durable when it returns.</summary>
    public void Append(params ReadOnlySpan<EffectEntry> entries)
    {
        var lines = new ArrayBufferWriter<byte>();
        foreach (var entry in entries)
        {
            lines.Write(JsonSerializer.SerializeToUtf8Bytes(entry, StreamJson.Default.EffectEntry));
            lines.Write("\n"u8);
        }

        try
        {
            var file = _file ??= OpenToAppend();
            file.Write(lines.WrittenSpan);
            file.Flush(flushToDisk: true);
        }
        catch
        {
            // A part of a line may be there: the next one begins with a new file.
            _file?.Dispose();
            _file = null;
            throw;
        }

        foreach (var entry in entries)
            Fold(entry);
    }

    public void Dispose() => _file?.Dispose();

    private FileStream OpenToAppend()
    {
        var directory = Path.GetDirectoryName(_path)!;
        if (!Directory.Exists(directory))
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Rewrite();
        return new FileStream(_path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 });
    }

    private void Load()
    {
        var text = File.ReadAllBytes(_path).AsSpan();
        // A last line without its end was never fsynced, so nobody relied on it; nor on a last one whose blocks did not all reach the disk.
        for (var number = 1; text.IndexOf((byte)'\n') is >= 0 and var end; number++)
        {
            var line = text[..end];
            text = text[(end + 1)..];
            if (TryParse(line) is { } entry)
                Fold(entry);
            else if (!text.IsEmpty)
                throw new ActivityException(
                    "effects-damaged", $"{_path}: line {number} is damaged, so what was done to this app is not known; restore the file from a copy, or, when no relocation of the app runs anywhere, delete it", retryable: false);
        }
    }

    private static EffectEntry? TryParse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, StreamJson.Default.EffectEntry);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Fold(EffectEntry entry)
    {
        if (!_relocations.Contains(entry.Relocation))
            _relocations.Add(entry.Relocation);
        HighestEpoch = Math.Max(HighestEpoch, entry.Epoch);
        if (entry.Closed)
            _closed.Add(entry.Relocation);
        // A run that takes over does not know how far the one before had counted.
        var anew = entry.Run is not null && entry.Step?.StartsWith(StepKind.TakeOver, StringComparison.Ordinal) == true && Run(entry.Relocation) != entry.Run;
        if (entry.Run is not null)
            _runs[entry.Relocation] = entry.Run;
        if (entry.Step is null)
            return;
        var mark = (entry.Sequence, entry.Attempt);
        if (anew || mark.CompareTo(Mark(entry.Relocation, entry.Step)) > 0)
            _marks[(entry.Relocation, entry.Step)] = mark;
        if (entry.Output is not null)
            _done[(entry.Relocation, entry.Step, entry.Direction, entry.Sequence)] = entry;
    }

    /// <summary>Once for each process: leaves out what is superseded, and the torn end that a later append would glue itself to.</summary>
    private void Rewrite()
    {
        var kept = _relocations.TakeLast(RelocationsKept).ToHashSet(StringComparer.Ordinal);
        var temporary = _path + ".new";
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            foreach (var relocation in _relocations.Where(kept.Contains))
                foreach (var entry in EntriesOf(relocation))
                {
                    file.Write(JsonSerializer.SerializeToUtf8Bytes(entry, StreamJson.Default.EffectEntry));
                    file.WriteByte((byte)'\n');
                }

            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, _path, overwrite: true);
        DirectorySync.Flush(Path.GetDirectoryName(_path)!);
    }

    private IEnumerable<EffectEntry> EntriesOf(string relocation)
    {
        foreach (var ((of, step), (sequence, attempt)) in _marks)
            if (of == relocation)
                yield return new EffectEntry { Relocation = relocation, Step = step, Sequence = sequence, Attempt = attempt };
        foreach (var entry in _done.Values)
            if (entry.Relocation == relocation)
                yield return entry;
        // Last: what was done before it may be another run's.
        yield return new EffectEntry { Relocation = relocation, Closed = IsClosed(relocation), Epoch = HighestEpoch, Run = Run(relocation) };
    }
}
