using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>What stands under a name: its version, and the mark of the put that made it.</summary>
internal sealed record StandingObject(string Version, string? PutId);

/// <summary>
/// Puts whose answer may be lost. Each carries a mark of its own in the object's metadata. One without a condition is sent again. One with a
/// condition never is before a look at what stands there: bears it the mark, the put has taken effect; does the condition still hold, the
/// same put is sent again, of which only one can take effect; else it is unknown, and said so.
/// </summary>
internal sealed class SettledPuts(RequestRetries retries)
{
    /// <summary>Puts under a condition.</summary>
    /// <param name="what">The object, for messages.</param>
    /// <param name="id">The put's mark, from <see cref="NewId"/>.</param>
    /// <param name="bytes">What one attempt carries.</param>
    /// <param name="condition">When it takes effect.</param>
    /// <param name="put">One attempt, with that mark; null when the store says that the condition did not hold.</param>
    /// <param name="look">What stands there, or null for nothing.</param>
    /// <param name="tell">As for <see cref="RequestRetries"/>.</param>
    /// <param name="cancellationToken">Ends it all.</param>
    public Task<string?> RunAsync(
        string what, string id, long bytes, PutCondition condition, Func<CancellationToken, Task<string?>> put, Func<CancellationToken, Task<StandingObject?>> look,
        Func<Exception, RequestFailure> tell, CancellationToken cancellationToken)
    {
        if (!condition.MustBeAbsent && condition.MatchVersion is null)
            return retries.RunAsync(bytes, put, tell, cancellationToken);
        var sent = false;
        return retries.RunAsync(bytes, async token =>
        {
            if (sent)
            {
                var standing = await look(token).ConfigureAwait(false);
                if (standing?.PutId == id)
                    return standing.Version;
                if (condition.MustBeAbsent ? standing is not null : standing?.Version != condition.MatchVersion)
                    throw Unclear(what);
            }

            var again = sent;
            sent = true;
            if (await put(token).ConfigureAwait(false) is { } version)
                return version;

            // Refused; by an earlier attempt of this very put, when that one came through after the look.
            if (!again)
                return null;
            var found = await look(token).ConfigureAwait(false);
            return found?.PutId == id ? found.Version : throw Unclear(what);
        }, tell, cancellationToken);
    }

    /// <summary>A mark that no other put has.</summary>
    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    private static ObjectStoreException Unclear(string what)
        => new($"{what} was put, the answer was lost, and now another's stands there: whether this one took effect before is unknown");
}
