using System.Net;
using System.Net.Sockets;

namespace StatefulRelocate.Benchmarks.Places;

/// <summary>Counts a MinIO server's requests by its audit log, which it posts here, one entry each. Its own metrics lag by ten seconds, and a proxy would slow what is measured.</summary>
internal sealed class RequestCounter : IDisposable
{
    private readonly HttpListener _listener = new();
    private long _count;

    public RequestCounter()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        }

        _listener.Prefixes.Add(Address);
        _listener.Start();
        _ = ListenAsync();
    }

    public string Address { get; }

    /// <summary>The count, once no further entry came for a while: the server posts them behind its answers.</summary>
    public long Settled()
    {
        while (true)
        {
            var before = Interlocked.Read(ref _count);
            Thread.Sleep(250);
            if (Interlocked.Read(ref _count) == before)
                return before;
        }
    }

    public void Dispose() => _listener.Close();

    private async Task ListenAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                await context.Request.InputStream.CopyToAsync(Stream.Null);
                if (context.Request.HttpMethod == "POST")
                    Interlocked.Increment(ref _count);
                context.Response.Close();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or IOException)
            {
                // Closed, or a connection that the server gave up.
            }
        }
    }
}
