using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns.Control;
using StatefulRelocate.Dns.Serving;
using StatefulRelocate.Dns.Zones;

namespace StatefulRelocate.Dns;

/// <summary>The embedded authoritative server: DNS over UDP and TCP, changed over a Unix socket, its zones durable.</summary>
public sealed class EmbeddedDnsServer : IAsyncDisposable
{
    private readonly FileStream directoryLock;
    private readonly DnsServer server;
    private readonly ControlServer control;

    private EmbeddedDnsServer(FileStream directoryLock, DnsServer server, ControlServer control)
    {
        this.directoryLock = directoryLock;
        this.server = server;
        this.control = control;
    }

    /// <summary>Ends when somebody asked for the end over the control socket.</summary>
    public Task StopRequested => control.StopRequested;

    /// <summary>Binds and serves.</summary>
    /// <exception cref="RelocateException">The port is in use, the state cannot be read, or another server has the state directory.</exception>
    public static EmbeddedDnsServer Start(EmbeddedDnsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options = options with { Report = new LimitedReport(options.Report, options.Time).Write };
        var directoryLock = LockDirectory(options.StateDirectory);
        DnsServer? server = null;
        try
        {
            var store = OpenStore(options);
            var answering = new Answering(store, options.Listen.Address);
            // Sizes above 1232 bytes risk IP fragments; the client's own limit counts below it (see Answering).
            server = new DnsServer(
                new ScreenedTransport(new DatagramTransport(options.Listen, options.Report), options),
                new ScreenedTransport(new TcpServerTransport(options.Listen), options));
            server.QueryReceived += (_, query) =>
            {
                query.Response = answering.Answer(query.Query);
                return Task.CompletedTask;
            };
            server.ExceptionThrown += (_, problem) =>
            {
                options.Report($"a request failed: {problem.Exception.Message}");
                return Task.CompletedTask;
            };
            Bind(server, options);
            return new EmbeddedDnsServer(directoryLock, server, ControlServer.Start(Path.Combine(options.StateDirectory, EmbeddedDnsOptions.ControlSocketName), store, options));
        }
        catch
        {
            (server as IDisposable)?.Dispose();
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>Ends it: first no more changes, then no more answers.</summary>
    public async ValueTask DisposeAsync()
    {
        await control.DisposeAsync().ConfigureAwait(false);
        try
        {
            server.Stop();
        }
        catch (AggregateException error) when (error.InnerExceptions.All(static inner => inner is OperationCanceledException))
        {
            // A listener that had not begun to listen yet ends as cancelled.
        }

        await directoryLock.DisposeAsync().ConfigureAwait(false);
    }

    private static void Bind(DnsServer server, EmbeddedDnsOptions options)
    {
        try
        {
            server.Start();
        }
        catch (SocketException error)
        {
            var reason = error.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "the port is in use; stop what has it or choose another in the configuration",
                SocketError.AccessDenied => "ports below 1024 need more rights; choose a higher one in the configuration",
                SocketError.AddressNotAvailable => "this machine does not have that address; choose another in the configuration",
                _ => error.Message,
            };
            throw new RelocateException($"DNS server: cannot listen on {options.Listen}: {reason}", ExitCode.BadInput, error);
        }
    }

    private static FileStream LockDirectory(string directory)
    {
        var path = Path.Combine(directory, "dns.lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"DNS server: {path} cannot be locked ({error.Message}); another server has this state directory, or it is not writable", ExitCode.BadInput, error);
        }
    }

    private static ZoneStore OpenStore(EmbeddedDnsOptions options)
    {
        try
        {
            return new ZoneStore(new ZoneFile(options.StateDirectory), options.Zones);
        }
        catch (InvalidDataException error)
        {
            throw new RelocateException($"DNS server: {error.Message}", ExitCode.Damage, error);
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException or UnclearZoneChangeException)
        {
            throw new RelocateException($"DNS server: {error.Message}", ExitCode.BadInput, error);
        }
    }
}
