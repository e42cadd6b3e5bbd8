using System.Net.Sockets;
using System.Text.Json;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns.Zones;

namespace StatefulRelocate.Dns.Control;

/// <summary>The Unix socket over which sets are captured and changed: JSON lines, mode 0600.</summary>
internal sealed class ControlServer : IAsyncDisposable
{
    private readonly string path;
    private readonly Socket listener;
    private readonly ZoneStore store;
    private readonly EmbeddedDnsOptions options;
    private readonly CancellationTokenSource ending = new();
    private readonly TaskCompletionSource stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task accepting;

    private ControlServer(string path, Socket listener, ZoneStore store, EmbeddedDnsOptions options)
    {
        this.path = path;
        this.listener = listener;
        this.store = store;
        this.options = options;
        accepting = AcceptAsync();
    }

    public Task StopRequested => stopRequested.Task;

    /// <summary>Listens. What a dead server left is removed: the caller holds the directory's lock.</summary>
    public static ControlServer Start(string path, ZoneStore store, EmbeddedDnsOptions options)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen();
            return new ControlServer(path, listener, store, options);
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            listener.Dispose();
            var reason = error is ArgumentOutOfRangeException ? "the path is too long for a Unix socket (at most 107 bytes); use a shorter state directory" : error.Message;
            throw new RelocateException($"DNS server: cannot listen on {path}: {reason}", ExitCode.BadInput, error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await accepting.ConfigureAwait(false);
        listener.Dispose();
        File.Delete(path);
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        while (!ending.IsCancellationRequested)
        {
            try
            {
                connections.Add(ServeAsync(await listener.AcceptAsync(ending.Token).ConfigureAwait(false)));
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (SocketException error)
            {
                options.Report($"a control connection could not be accepted: {error.Message}");
            }

            connections.RemoveAll(connection => connection.IsCompleted);
        }

        await Task.WhenAll(connections).ConfigureAwait(false);
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            var stream = new NetworkStream(socket, ownsSocket: true);
            await using (stream.ConfigureAwait(false))
            {
                using var reader = new StreamReader(stream);
                while (await reader.ReadLineAsync(ending.Token).ConfigureAwait(false) is { } line)
                {
                    var (response, stop) = Carry(line);
                    byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(response, ControlJson.Default.ControlResponse), (byte)'\n'];
                    await stream.WriteAsync(bytes, ending.Token).ConfigureAwait(false);
                    if (stop)
                        stopRequested.TrySetResult();
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side left, or we end; either way there is nobody to tell.
        }
    }

    private (ControlResponse Response, bool Stop) Carry(string line)
    {
        try
        {
            var request = JsonSerializer.Deserialize(line, ControlJson.Default.ControlRequest) ?? throw new FormatException("the request is empty");
            return (Carry(request), request.Operation == ControlRequest.Stop);
        }
        catch (UnclearZoneChangeException error)
        {
            options.Report(error.Message);
            return (new ControlResponse { Error = error.Message, Unclear = true }, false);
        }
        catch (Exception error) when (error is FormatException or JsonException or IOException or UnauthorizedAccessException)
        {
            return (new ControlResponse { Error = error.Message }, false);
        }
    }

    private ControlResponse Carry(ControlRequest request)
    {
        switch (request.Operation)
        {
            case ControlRequest.Capture:
                var zone = Zone(request);
                return new ControlResponse { RecordSet = zone.Find(NameIn(zone, request.Name), RecordData.CanonicalType(Given(request.Type, "type"))) };
            case ControlRequest.Swap:
                return Swap(request, SetIn(Zone(request), Given(request.Expected, "expected")));
            case ControlRequest.Set:
                return Swap(request, expected: null);
            case ControlRequest.List:
                return new ControlResponse { Zones = [.. store.Declared.Select(name => store.Get(name)!).Select(each => new DnsZoneStatus(each.Name, each.Serial, [.. each.Sets.Values]))] };
            case ControlRequest.Stop:
                return new ControlResponse();
            default:
                throw new FormatException($"the operation '{request.Operation}' is unknown; is the server of an older version?");
        }
    }

    private ControlResponse Swap(ControlRequest request, DnsRecordSet? expected)
    {
        var zone = Zone(request);
        var next = SetIn(zone, Given(request.Next, "next"));
        if (expected is not null && (expected.Name != next.Name || expected.Type != next.Type))
            throw new FormatException($"a swap is of one set, not of {expected.Name} {expected.Type} for {next.Name} {next.Type}");
        var (replaced, current) = store.Swap(zone.Name, expected, next);
        return new ControlResponse { Replaced = replaced, RecordSet = current };
    }

    private Zone Zone(ControlRequest request)
    {
        var name = RecordData.CanonicalName(Given(request.Zone, "zone"));
        return store.Get(name) ?? throw new FormatException($"zone '{name}' is not served here; it serves {string.Join(", ", store.Declared)}");
    }

    private static DnsRecordSet SetIn(Zone zone, DnsRecordSet set)
    {
        var canonical = RecordData.Canonical(set);
        NameIn(zone, canonical.Name);
        return canonical;
    }

    private static string NameIn(Zone zone, string? name)
    {
        var canonical = RecordData.CanonicalName(Given(name, "name"));
        return zone.Holds(canonical) ? canonical : throw new FormatException($"'{canonical}' is not in zone '{zone.Name}'");
    }

    private static T Given<T>(T? value, string what) where T : class => value ?? throw new FormatException($"the request has no '{what}'");
}
