namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>How long a request that failed for a passing reason is sent again.</summary>
internal sealed record RetryOptions
{
    /// <summary>The wait before the first retry, at most; each further one doubles it. 50 ms by default.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest wait. 2 s by default.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long retries go on while the store has never answered: whoever mistyped its name wants to know. 2 s by default.</summary>
    public TimeSpan BeforeFirstAnswer { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long retries go on once the store has answered: a restarting server must not end a long upload. 30 s by default.</summary>
    public TimeSpan AfterFirstAnswer { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Retries that may be running up among all requests of one store together; each success gives a tenth back. 100 by default.</summary>
    public int Budget { get; init; } = 100;

    /// <summary>How long one attempt waits for an answer, apart from the time for its bytes. 10 s by default.</summary>
    public TimeSpan Attempt { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The slowest line that is waited for, in bytes a second. 128 KiB by default.</summary>
    public int SlowestRate { get; init; } = 128 << 10;
}
