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
    private readonly long? _total;
    private readonly bool _terminal;
    private readonly long _began;
    private readonly Queue<(TimeSpan At, long Bytes)> _history = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _drawing;
    private ActivityProgress? _latest;
    private bool _drawn;

    private TransferProgress(string doing, long? total, TextWriter output, bool terminal, TimeProvider time)
    {
        (_doing, _total, _output, _terminal, _time) = (doing, total, output, terminal, time);
        _began = time.GetTimestamp();
        _drawing = DrawAsync();
    }

    /// <summary>Begins to show; null with JSON.</summary>
    /// <param name="doing">What is being done, until the first report says so.</param>
    /// <param name="json">Whether a JSON document is asked for.</param>
    /// <param name="total">Bytes in all, where it is known before and the reports do not say it; null: unknown.</param>
    public static TransferProgress? Start(string doing, bool json, long? total = null)
        => json ? null : new(doing, total, Console.Error, !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"), TimeProvider.System);

    public static TransferProgress Start(string doing, long? total, TextWriter output, bool terminal, TimeProvider time) => new(doing, total, output, terminal, time);

    /// <inheritdoc />
    public void Report(ActivityProgress value) => Volatile.Write(ref _latest, value);

    /// <summary>Ends it and takes the line away.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _drawing;
        _stop.Dispose();
        if (_drawn && _terminal)
            await _output.WriteAsync("\r\e[K");
    }

    private async Task DrawAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(_terminal ? Frame : Line, _time);
            while (await timer.WaitForNextTickAsync(_stop.Token))
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
        catch (OperationCanceledException)
        {
            // The end.
        }
        catch (IOException)
        {
            // Nobody reads; the transfer goes on.
        }
    }

    private string Text(ActivityProgress at, TimeSpan elapsed)
    {
        _history.Enqueue((elapsed, at.BytesDone));
        while (_history.Count > 2 && elapsed - _history.Peek().At > Window)
            _history.Dequeue();
        var (since, bytes) = _history.Count > 1 ? _history.Peek() : (TimeSpan.Zero, 0);
        var rate = elapsed > since ? (at.BytesDone - bytes) / (elapsed - since).TotalSeconds : 0;
        var files = at.EntriesDone is { } entries ? string.Create(CultureInfo.InvariantCulture, $", {entries:N0} names") : "";
        var doing = at.Doing ?? _doing;
        if ((at.BytesTotal ?? _total) is not { } total || total <= 0)
            return $"{doing}  {SnapshotOutput.Bytes(at.BytesDone)}{files}  {SnapshotOutput.Bytes((long)rate)}/s  {Clock(elapsed)}";
        var share = Math.Clamp((double)at.BytesDone / total, 0, 1);
        var full = (int)(share * BarWidth);
        var left = rate > 0 ? Clock(TimeSpan.FromSeconds(Math.Min(Math.Max(0, total - at.BytesDone) / rate, 3.6e6))) : "?";
        return string.Create(
            CultureInfo.InvariantCulture, $"{doing}  [{new string('#', full)}{new string('.', BarWidth - full)}] {share:0%}  {SnapshotOutput.Bytes(at.BytesDone)} of {SnapshotOutput.Bytes(total)}{files}  {SnapshotOutput.Bytes((long)rate)}/s  {left} left");
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
