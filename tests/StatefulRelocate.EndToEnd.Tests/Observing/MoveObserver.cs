using System.Diagnostics;
using System.Globalization;
using System.Text;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Observing;

/// <summary>
/// Looks at <c>/proc</c> and at the source's volume from outside, many times a second, through a whole move. It shares no code with the
/// product and believes none of its words but one: the fence's own file says when the fence stands.
/// </summary>
internal sealed class MoveObserver : IDisposable
{
    private const int SamplesBetweenRollCalls = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);
    private readonly string _scope;
    private readonly string _source;
    private readonly string _target;
    private readonly Func<string?> _fenceFile;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private readonly Dictionary<int, Known> _known = [];
    private readonly List<string> _violations = [];
    private string? _sourceVolume;
    private string? _fenced;

    /// <summary>Begins to look.</summary>
    /// <param name="scope">A path that every process of this move carries in its environment.</param>
    /// <param name="source">The source cluster's name.</param>
    /// <param name="target">The target cluster's name.</param>
    /// <param name="fenceFile">Finds the file of the source's fence; null while there is none.</param>
    public MoveObserver(string scope, string source, string target, Func<string?> fenceFile)
    {
        (_scope, _source, _target, _fenceFile) = (scope, source, target, fenceFile);
        _thread = new Thread(Watch) { IsBackground = true, Name = "observer" };
        _thread.Start();
    }

    public int Samples { get; private set; }

    /// <summary>Samples in which the fence of the source stood.</summary>
    public int FencedSamples { get; private set; }

    /// <summary>Samples in which the source had processes and all were suspended.</summary>
    public int SuspendedSamples { get; private set; }

    /// <summary>The most processes that the source had at once.</summary>
    public int MostSourceProcesses { get; private set; }

    /// <summary>What must never be seen and was. Ends the watch.</summary>
    public IReadOnlyList<string> Finish()
    {
        _stop.Cancel();
        _thread.Join();
        return _violations;
    }

    public void Dispose()
    {
        Finish();
        _stop.Dispose();
    }

    private void Watch()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Sample();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // A directory went away between two looks.
            }

            Samples++;
            _stop.Token.WaitHandle.WaitOne(Pause);
        }
    }

    private void Sample()
    {
        // Looking who is there at all is the dear part, and processes live longer than a few samples.
        if (Samples % SamplesBetweenRollCalls == 0)
            Learn();
        var before = Running(_source);
        var other = Running(_target);
        if (other.Count > 0)
        {
            // Both looks at the source must agree, so that a hand-over between two looks is not taken for an overlap.
            var both = Running(_source).Intersect(before).ToList();
            if (both.Count > 0)
                Report($"processes run on both sides: {Describe(both)} on {_source}, {Describe(other)} on {_target}");
        }

        var all = Members(_source).Count();
        MostSourceProcesses = Math.Max(MostSourceProcesses, all);
        if (all > 0 && before.Count == 0)
            SuspendedSamples++;
        WatchFence();
    }

    private void WatchFence()
    {
        if (!FenceStands() || _sourceVolume is null)
        {
            _fenced = null;
            return;
        }

        FencedSamples++;
        var now = Fingerprint(_sourceVolume);
        // The fence stood before and after this look, and before and after the last one: nothing may differ between the two.
        if (!FenceStands())
        {
            _fenced = null;
            return;
        }

        // Files that are gone are those of a demo that cleans up; a writer leaves new ones or changed ones.
        if (_fenced is not null && Difference(_fenced, now) is { Length: > 0 } written)
            Report($"the source's volume changed while its fence stood:\n{written}");
        _fenced = now;
    }

    private bool FenceStands() =>
        _fenceFile() is { } file && ProcFiles.ReadPath(file).Replace(" ", "", StringComparison.Ordinal).Contains("\"fenced\":true", StringComparison.OrdinalIgnoreCase);

    private static string Fingerprint(string volume)
    {
        var text = new StringBuilder();
        foreach (var file in new DirectoryInfo(volume).EnumerateFiles("*", SearchOption.AllDirectories).OrderBy(static file => file.FullName, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}");
        return text.ToString();
    }

    private static string Difference(string before, string after) =>
        string.Join('\n', after.Split('\n').Except(before.Split('\n')).Take(5));

    /// <summary>A process belongs to a side by its environment, or because its parent does: a server may overwrite its environment.</summary>
    private void Learn()
    {
        var present = new HashSet<int>();
        foreach (var id in ProcFiles.ProcessIds())
        {
            present.Add(id);
            if (ProcFiles.Stat($"/proc/{id}/stat") is not { Length: > 20 } stat)
                continue;
            if (_known.TryGetValue(id, out var known) && known.Started == stat[19] && (known.Side is not null || known.Looks > 5))
                continue;
            var looks = known is not null && known.Started == stat[19] ? known.Looks + 1 : 0;
            _known[id] = new Known(stat[19], int.Parse(stat[1], CultureInfo.InvariantCulture), SideOf(id), looks);
        }

        foreach (var gone in _known.Keys.Where(id => !present.Contains(id)).ToList())
            _known.Remove(gone);
        foreach (var (id, known) in _known.ToList())
            if (known.Side is null && _known.TryGetValue(known.Parent, out var parent) && parent.Side is not null)
                _known[id] = known with { Side = parent.Side };
    }

    private string? SideOf(int id)
    {
        var variables = ProcFiles.Read(id, "environ").Split('\0');
        if (!variables.Any(variable => variable.Contains(_scope, StringComparison.Ordinal)))
            return null;
        var side = variables.FirstOrDefault(static variable => variable.StartsWith("RELOCATE_CLUSTER=", StringComparison.Ordinal))?["RELOCATE_CLUSTER=".Length..];
        if (side == _source)
            _sourceVolume ??= variables.FirstOrDefault(static variable => variable.StartsWith("RELOCATE_VOLUME_", StringComparison.Ordinal))?.Split('=', 2)[1];
        return side;
    }

    private IEnumerable<int> Members(string side) => _known.Where(entry => entry.Value.Side == side).Select(static entry => entry.Key);

    private List<int> Running(string side) => [.. Members(side).Where(static id => !Suspended(id))];

    private static bool Suspended(int id)
    {
        var states = ProcFiles.ThreadStates(id);
        if (states.All(static state => state is 'T' or 't' or 'Z' or 'X' or 'x'))
            return true;
        if (IsDying(id))
            return true;
        foreach (var line in ProcFiles.Read(id, "cgroup").Split('\n'))
        {
            var group = line[(line.LastIndexOf(':') + 1)..];
            // The unified hierarchy stands at one of two usual places.
            if (line.StartsWith("0::", StringComparison.Ordinal) && (IsFrozen($"/sys/fs/cgroup{group}/cgroup.events", "frozen 1") || IsFrozen($"/sys/fs/cgroup/unified{group}/cgroup.events", "frozen 1")))
                return true;
            if (line.Contains(":freezer:", StringComparison.Ordinal) && IsFrozen($"/sys/fs/cgroup/freezer{group}/freezer.state", "FROZEN"))
                return true;
        }

        return false;
    }

    /// <summary>A frozen process that is killed is scheduled once more, to die in the kernel: not one instruction of its own runs.</summary>
    private static bool IsDying(int id)
    {
        const long kill = 1 << 8;
        foreach (var line in ProcFiles.Read(id, "status").Split('\n'))
            if ((line.StartsWith("SigPnd:", StringComparison.Ordinal) || line.StartsWith("ShdPnd:", StringComparison.Ordinal))
                && long.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var pending) && (pending & kill) != 0)
                return true;
        const int exiting = 0x4;
        return ProcFiles.Stat($"/proc/{id}/stat") is not { Length: > 6 } stat || (long.Parse(stat[6], CultureInfo.InvariantCulture) & exiting) != 0;
    }

    private static bool IsFrozen(string file, string word) => ProcFiles.ReadPath(file).Contains(word, StringComparison.Ordinal);

    private static string Describe(IEnumerable<int> processes) =>
        string.Join(", ", processes.Select(static id => $"{id} ({ProcFiles.Read(id, "comm").Trim()}, {new string([.. ProcFiles.ThreadStates(id).Distinct()])})"));

    private void Report(string violation)
    {
        if (_violations.Count < 10)
            _violations.Add($"{Stopwatch.GetTimestamp()}: {violation}");
    }

    private sealed record Known(string Started, int Parent, string? Side, int Looks);
}
