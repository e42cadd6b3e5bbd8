using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;

namespace StatefulRelocate.Cli.Demo;

/// <summary>Reads every acknowledged write back from the app, and compares its hash.</summary>
internal static class ReadBack
{
    private const int AtOnce = 8;
    private const int Tries = 3;

    /// <summary>How many of them the app does not give back as they were acknowledged.</summary>
    /// <param name="app">The app's address, as its name resolves now.</param>
    /// <param name="writes">Everything that was acknowledged.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<long> CountLostAsync(Uri app, ImmutableArray<ClientWrite> writes, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = AtOnce }) { BaseAddress = app, Timeout = TimeSpan.FromSeconds(10) };
        long lost = 0;
        await Parallel.ForEachAsync(
            writes,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (write, token) =>
            {
                if (!await IsThereAsync(http, write, token))
                    Interlocked.Increment(ref lost);
            });
        return lost;
    }

    private static async Task<bool> IsThereAsync(HttpClient http, ClientWrite write, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"images/{Uri.EscapeDataString(write.Id)}", UriKind.Relative), cancellationToken);
                if (answer.StatusCode == HttpStatusCode.NotFound)
                    return false;
                if (answer.IsSuccessStatusCode)
                {
                    var hash = Convert.ToHexStringLower(SHA256.HashData(await answer.Content.ReadAsByteArrayAsync(cancellationToken)));
                    return string.Equals(hash, write.Sha256, StringComparison.OrdinalIgnoreCase);
                }
            }
            catch (HttpRequestException) when (attempt < Tries)
            {
                // Asked again below.
            }
            catch (HttpRequestException)
            {
                return false;
            }

            if (attempt == Tries)
                return false;
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }
}
