using Microsoft.Extensions.Logging;

namespace StatefulRelocate.Hosting.Presences;

/// <summary>Something that a program needs and that may be away for any time: it is waited for, and each change is said once.</summary>
public sealed partial class Presence
{
    private static readonly TimeSpan WhileAway = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan WhileThere = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);
    private readonly Func<CancellationToken, Task<string?>> _ask;
    private volatile bool _isThere;
    private bool _said;

    /// <param name="name">What it is, as <c>Temporal at 127.0.0.1:7233</c>.</param>
    /// <param name="ask">Null when it is there, else why not, and what helps, in one line.</param>
    public Presence(string name, Func<CancellationToken, Task<string?>> ask) => (Name, _ask) = (name, ask);

    /// <summary>What it is.</summary>
    public string Name { get; }

    /// <summary>Whether it was there when it was looked at last.</summary>
    public bool IsThere => _isThere;

    /// <summary>Waits until it is there.</summary>
    public async Task WaitAsync(ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        while (!await LookAsync(logger, cancellationToken).ConfigureAwait(false))
            await Task.Delay(WhileAway, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Looks at it until cancelled.</summary>
    public async Task WatchAsync(ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(_isThere ? WhileThere : WhileAway, time, cancellationToken).ConfigureAwait(false);
            await LookAsync(logger, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Looks now.</summary>
    internal async Task<bool> LookAsync(ILogger logger, CancellationToken cancellationToken)
    {
        var why = await AskAsync(cancellationToken).ConfigureAwait(false);
        if (why is null && _said)
            LogBack(logger, Name);
        else if (why is not null && !_said)
            LogAway(logger, why);
        _said = why is not null;
        return _isThere = why is null;
    }

    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            return await _ask(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"{Name}: no answer within {AnswerLimit.TotalSeconds:0} s";
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Why} (waiting)")]
    private static partial void LogAway(ILogger logger, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Name} answers")]
    private static partial void LogBack(ILogger logger, string name);
}
