using Microsoft.Extensions.Logging;
using StatefulRelocate.Hosting.Presences;

namespace StatefulRelocate.Hosting.Tests;

public sealed class PresenceTests
{
    private readonly ListLogger _log = new();

    [Fact]
    public async Task What_is_away_is_told_once_and_again_when_it_is_back()
    {
        var answers = new Queue<string?>(["refused", "refused", "refused", null]);
        var presence = new Presence("cluster 'edge-a'", _ => Task.FromResult(answers.Dequeue()));

        await presence.WaitAsync(_log, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.True(presence.IsThere);
        Assert.Equal(["refused (waiting)", "cluster 'edge-a' answers"], _log.Lines);
    }

    [Fact]
    public async Task What_is_there_is_no_news()
    {
        var presence = new Presence("cluster 'edge-a'", _ => Task.FromResult<string?>(null));

        await presence.WaitAsync(_log, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task An_outage_while_it_is_watched_is_noticed()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var presence = new Presence("Temporal", _ => Task.FromResult<string?>("hung up"));

        var watching = presence.WatchAsync(_log, TimeProvider.System, stop.Token);
        while (_log.Lines.Count == 0)
            await Task.Delay(10, stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching);
        Assert.False(presence.IsThere);
        Assert.Equal(["hung up (waiting)"], _log.Lines);
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));
    }
}
