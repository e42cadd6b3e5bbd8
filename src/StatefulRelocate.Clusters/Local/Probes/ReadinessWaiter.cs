using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Local.Probes;

/// <summary>Waits until an app answers its probe.</summary>
internal static class ReadinessWaiter
{
    // While nobody listens yet a look costs the app nothing, so it may come sooner than the period: it is part of the blackout.
    private static readonly TimeSpan RefusedPeriod = TimeSpan.FromMilliseconds(1);

    /// <param name="app">The app's name, for errors.</param>
    /// <param name="address">Where it serves.</param>
    /// <param name="probe">How readiness is seen.</param>
    /// <param name="execute">Runs an exec probe; null when it succeeded, else why not.</param>
    /// <param name="whyNot">What the keeper says when the probe gives up.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task WaitAsync(string app, string address, ReadinessProbe probe, Func<ExecCommand, TimeSpan, Task<string?>> execute, Func<Task<string?>> whyNot, TimeProvider time, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        TimeSpan Left() => probe.Timeout - time.GetElapsedTime(start);
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = probe.Timeout };
        using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        var host = address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
        var last = "it was not probed";
        while (Left() > TimeSpan.Zero)
        {
            string? problem;
            bool refused;
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
            {
                limit.CancelAfter(Left() is { Ticks: > 0 } left ? left : TimeSpan.FromMilliseconds(1));
                (problem, refused) = probe switch
                {
                    { Http: { } http } => await HttpAsync(client, new Uri($"http://{host}:{http.Port}{(http.Path.StartsWith('/') ? string.Empty : "/")}{http.Path}"), limit.Token).ConfigureAwait(false),
                    { Tcp: { } tcp } => await TcpAsync(address, tcp.Port, limit.Token).ConfigureAwait(false),
                    { Exec: { } exec } => (await execute(exec, Left()).ConfigureAwait(false), false),
                    _ => (null, false),
                };
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (problem is null)
                return;

            // The last look is cut short by the end of the wait; what the one before saw says more.
            if (Left() > TimeSpan.Zero || last == "it was not probed")
                last = problem;
            await Task.Delay(refused && RefusedPeriod < probe.Period ? RefusedPeriod : probe.Period, time, cancellationToken).ConfigureAwait(false);
        }

        var note = await whyNot().ConfigureAwait(false);
        throw new ClusterException("not-ready", $"app {app} on {address} did not get ready within {probe.Timeout.TotalSeconds:0.###} s: {last}{(note is null ? string.Empty : "; " + note)}");
    }

    private static async Task<(string? Problem, bool Refused)> HttpAsync(HttpClient client, Uri uri, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            return (int)response.StatusCode is >= 200 and < 400 ? (null, false) : ($"{uri} answered {(int)response.StatusCode}", false);
        }
        catch (HttpRequestException error)
        {
            return ($"{uri}: {error.Message}", error.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused });
        }
        catch (OperationCanceledException)
        {
            return ($"{uri} did not answer", false);
        }
    }

    private static async Task<(string? Problem, bool Refused)> TcpAsync(string address, int port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port), cancellationToken).ConfigureAwait(false);
            return (null, false);
        }
        catch (SocketException error)
        {
            return ($"{address}:{port}: {error.Message}", error.SocketErrorCode == SocketError.ConnectionRefused);
        }
        catch (OperationCanceledException)
        {
            return ($"{address}:{port} did not accept a connection", false);
        }
    }
}
