using System.Security.Cryptography;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>
/// Sends a request again that failed for a passing reason: after a random wait that grows (so that many clients do not come back at once), within a
/// limit of time, and within a budget that all requests of one store share, so that a store in trouble is not buried under retries.
/// </summary>
internal sealed class RequestRetries
{
    private const int PointsOfOne = 10;
    private readonly RetryOptions _options;
    private readonly TimeProvider _time;
    private int _points;
    private volatile bool _answered;

    public RequestRetries(RetryOptions options, TimeProvider time) => (_options, _time, _points) = (options, time, options.Budget * PointsOfOne);

    /// <summary>Runs one attempt after the other.</summary>
    /// <param name="bytes">What the request carries, or its answer; gives it time.</param>
    /// <param name="attempt">One attempt; its token ends with the attempt's time.</param>
    /// <param name="tell">Turns what an attempt threw into what the caller is told, and whether another attempt may help.</param>
    /// <param name="cancellationToken">Ends it all.</param>
    public async Task<T> RunAsync<T>(long bytes, Func<CancellationToken, Task<T>> attempt, Func<Exception, RequestFailure> tell, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        var delay = _options.FirstDelay;
        while (true)
        {
            RequestFailure failure;
            var limit = _options.Attempt + TimeSpan.FromSeconds((double)bytes / _options.SlowestRate);
            using (var timer = new CancellationTokenSource(limit, _time))
            using (var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token))
            {
                try
                {
                    var result = await attempt(linked.Token).ConfigureAwait(false);
                    _answered = true;
                    if (Volatile.Read(ref _points) < _options.Budget * PointsOfOne)
                        Interlocked.Increment(ref _points);
                    return result;
                }
                catch (Exception) when (cancellationToken.IsCancellationRequested)
                {
                    // Whatever it became on its way through the layers below.
                    cancellationToken.ThrowIfCancellationRequested();
                    throw;
                }
                catch (ObjectStoreException)
                {
                    throw;
                }
                catch (Exception error)
                {
                    failure = tell(timer.IsCancellationRequested ? new TimeoutException($"no answer within {limit.TotalSeconds:0} s", error) : error);
                }
            }

            _answered |= failure.Answered;
            var patience = _answered ? _options.AfterFirstAnswer : _options.BeforeFirstAnswer;
            if (!failure.MayPass || _time.GetElapsedTime(began) + delay > patience || !TakePoints())
                throw failure.Told;
            var part = RandomNumberGenerator.GetInt32(1, 1001) / 1000.0;
            await Task.Delay(delay * part, _time, cancellationToken).ConfigureAwait(false);
            delay = delay * 2 < _options.LongestDelay ? delay * 2 : _options.LongestDelay;
        }
    }

    private bool TakePoints()
    {
        if (Interlocked.Add(ref _points, -PointsOfOne) >= 0)
            return true;
        Interlocked.Add(ref _points, PointsOfOne);
        return false;
    }
}

/// <summary>What became of an attempt.</summary>
/// <param name="Told">What the caller is told when there is no other attempt.</param>
/// <param name="MayPass">Whether another attempt may help.</param>
/// <param name="Answered">Whether the store itself answered.</param>
internal sealed record RequestFailure(ObjectStoreException Told, bool MayPass, bool Answered);
