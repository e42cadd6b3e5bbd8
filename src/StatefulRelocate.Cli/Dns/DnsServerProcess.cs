using System.Globalization;
using System.Runtime.InteropServices;
using StatefulRelocate.Cli.Processes;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns;

namespace StatefulRelocate.Cli.Dns;

/// <summary>The life of a DNS server process: started detached, found again, stopped.</summary>
internal static class DnsServerProcess
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Starts it in the background unless it is up.</summary>
    /// <param name="server">Which.</param>
    /// <param name="arguments">The arguments that make this program serve it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>False when it was up already.</returns>
    public static async Task<bool> StartAsync(DnsServerEntry server, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        if (await server.Control().IsUpAsync(cancellationToken))
            return false;
        MakeStateDirectory(server.StateDirectory);
        var process = BackgroundProcess.StartSelf(arguments, server.LogFile);
        await process.WaitUntilAsync(server.Control().IsUpAsync, StartLimit, TimeProvider.System, cancellationToken);
        return true;
    }

    /// <summary>Stops it and waits until its process is gone.</summary>
    /// <returns>False when it was not running.</returns>
    public static async Task<bool> StopAsync(DnsServerEntry server, CancellationToken cancellationToken)
    {
        var record = ProcessRecord.Read(server.StateDirectory);
        var answered = true;
        try
        {
            await server.Control().StopAsync(cancellationToken);
        }
        catch (DnsException error)
        {
            if (record?.IsAlive() != true)
                return false;
            if (!error.Unanswered)
                throw;
            answered = false;
        }

        var started = TimeProvider.System.GetTimestamp();
        while (record?.IsAlive() == true)
        {
            if (TimeProvider.System.GetElapsedTime(started) > StopLimit)
                throw new RelocateException($"DNS server '{server.Name}' (process {record.Pid}) {(answered ? "does not end" : "does not answer")}; end it with 'kill -9 {record.Pid}'", ExitCode.OurError);
            await Task.Delay(PollInterval, cancellationToken);
        }

        return true;
    }

    /// <summary>Is the server, until it is stopped.</summary>
    public static async Task<int> ServeAsync(DnsServerEntry server, CancellationToken cancellationToken)
    {
        MakeStateDirectory(server.StateDirectory);
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stop.TrySetResult();
        });
        await using var serving = cancellationToken.Register(() => stop.TrySetResult());
        await using (var running = EmbeddedDnsServer.Start(new EmbeddedDnsOptions
        {
            Listen = server.Listen,
            Zones = server.Config.Zones,
            StateDirectory = server.StateDirectory,
            Report = Log,
        }))
        {
            ProcessRecord.Write(server.StateDirectory);
            Log($"DNS server '{server.Name}' answers on {server.Listen} for {string.Join(", ", server.Config.Zones)}");
            await Task.WhenAny(running.StopRequested, stop.Task);
        }

        ProcessRecord.Remove(server.StateDirectory);
        Log($"DNS server '{server.Name}' stopped");
        return ExitCode.Completed;
    }

    private static void Log(string line)
        => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {line}"));

    private static void MakeStateDirectory(string path)
    {
        try
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot make the directory of the DNS server: {error.Message}", inner: error);
        }
    }
}
