using System.Globalization;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary>
/// Shows how far a transfer is, on standard error: on a terminal one line that is redrawn (bytes, files, rate, time left), elsewhere a
/// line every ten seconds, and with a JSON document nothing.
/// </summary>
internal sealed class TransferProgress : IProgress<ActivityProgress>, IAsyncDisposable
{
    private const int BarWidth = 20;
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100), Line = TimeSpan.FromSeconds(10), Window = TimeSpan.FromSeconds(3);
    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private readonly string _doing;
    private readonly bool _terminal;
    private readonly long _began;
    private readonly Queue<(TimeSpan At, ActivityProgress Progress)> _history = [];
    private readonly PeriodicTimer _timer;
    private readonly Task _drawing;
    private ActivityProgress? _latest;
    private bool _drawn;

    private TransferProgress(string doing, TextWriter output, bool terminal, TimeProvider time)
    {
        (_doing, _output, _terminal, _time) = (doing, output, terminal, time);
        _began = time.GetTimestamp();
        _timer = new PeriodicTimer(terminal ? Frame : Line, time);
        _drawing = DrawAsync();
    }

    /// <summary>Begins to show; null with JSON.</summary>
    /// <param name="doing">What is being done, until the first report says so.</param>
    /// <param name="json">Whether a JSON document is asked for.</param>
    public static TransferProgress? Start(string doing, bool json)
        => json ? null : new(doing, Console.Error, !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"), TimeProvider.System);

    public static TransferProgress Start(string doing, TextWriter output, bool terminal, TimeProvider time) => new(doing, output, terminal, time);

    /// <inheritdoc />
    public void Report(ActivityProgress value) => Volatile.Write(ref _latest, value);

    /// <summary>Ends it and takes the line away.</summary>
    public async ValueTask DisposeAsync()
    {
        // Not by a token: a timer that is cancelled makes the text of a stack trace, 12 ms of a native process.
        _timer.Dispose();
        await _drawing;
        if (_drawn && _terminal)
            await _output.WriteAsync("\r\e[K");
    }

    private async Task DrawAsync()
    {
        try
        {
            while (await _timer.WaitForNextTickAsync())
            {
                if (Volatile.Read(ref _latest) is not { } latest)
                    continue;
                var text = Text(latest, _time.GetElapsedTime(_began));
                _drawn = true;
                if (_terminal)
                    await _output.WriteAsync($"\r{Fitting(text)}\e[K");
                else
                    await _output.WriteLineAsync(text);
            }
        }
        catch (IOException)
        {
            // Nobody reads; the transfer goes on.
        }
    }

    private string Text(ActivityProgress at, TimeSpan elapsed)
    {
        _history.Enqueue((elapsed, at));
        while (_history.Count > 2 && elapsed - _history.Peek().At > Window)
            _history.Dequeue();
        var (since, before) = _history.Count > 1 ? _history.Peek() : (TimeSpan.Zero, new ActivityProgress());
        var doing = at.Doing ?? _doing;
        var bytes = SnapshotOutput.Bytes(at.BytesDone);
        var names = at.EntriesDone is { } entries ? string.Create(CultureInfo.InvariantCulture, $", {entries:N0} names") : "";
        var rate = SnapshotOutput.Bytes((long)Rate(at.BytesDone, before.BytesDone)) + "/s";
        if (at.BytesTotal is { } total and > 0)
            return $"{Bar(doing, at.BytesDone, total)}  {bytes} of {SnapshotOutput.Bytes(total)}{names}  {rate}  {Left(at.BytesDone, before.BytesDone, total)} left";
        if (at is { EntriesTotal: { } all and > 0, EntriesDone: { } done })
            return string.Create(CultureInfo.InvariantCulture, $"{Bar(doing, done, all)}  {bytes}, {done:N0} of {all:N0} names  {rate}  {Left(done, before.EntriesDone ?? 0, all)} left");
        return $"{doing}  {bytes}{names}  {rate}  {Clock(elapsed)}";

        double Rate(long now, long then) => elapsed > since ? Math.Max(0, now - then) / (elapsed - since).TotalSeconds : 0;

        string Left(long now, long then, long all) => Rate(now, then) is > 0 and var speed ? Clock(TimeSpan.FromSeconds(Math.Min(Math.Max(0, all - now) / speed, 3.6e6))) : "?";
    }

    private static string Bar(string doing, long done, long total)
    {
        var share = Math.Clamp((double)done / total, 0, 1);
        var full = (int)(share * BarWidth);
        return string.Create(CultureInfo.InvariantCulture, $"{doing}  [{new string('#', full)}{new string('.', BarWidth - full)}] {share:0%}");
    }

    private static string Fitting(string text)
    {
        try
        {
            var width = Console.WindowWidth;
            return width > 1 && text.Length >= width ? text[..(width - 1)] : text;
        }
        catch (IOException)
        {
            return text;
        }
    }

    private static string Clock(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");
}
