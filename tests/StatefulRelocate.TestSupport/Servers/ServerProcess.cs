using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace StatefulRelocate.TestSupport.Servers;

/// <summary>A server in a process of its own, which ends with this one, however this one ends: a shell waits for its input to be closed.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private const string KeepUntilInputCloses = "\"$@\" </dev/null & server=$!; (read -r _; kill -9 $server) <&3 3<&- & wait $server";
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ServerProcess(Process process) => _process = process;

    /// <summary>What it wrote so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The CPU time that it used so far.</summary>
    public TimeSpan CpuTime => Descendants(_process.Id).Aggregate(TimeSpan.Zero, static (sum, process) =>
    {
        using (process)
            return sum + process.TotalProcessorTime;
    });

    /// <summary>A port of the loopback address on which nothing listened a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">Variables beside this process's own; null removes one.</param>
    /// <param name="isReady">Asked until it says yes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<ServerProcess> StartAsync(
        IReadOnlyList<string> command, IReadOnlyDictionary<string, string?> environment, Func<CancellationToken, Task<bool>> isReady, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec 3<&0; " + KeepUntilInputCloses, "sh", .. command]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        var server = new ServerProcess(process);
        process.OutputDataReceived += server.Add;
        process.ErrorDataReceived += server.Add;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromMinutes(3));
            while (!await IsReadyAsync(isReady, limit.Token))
            {
                if (process.HasExited)
                    throw new InvalidOperationException($"{command[0]} ended with {process.ExitCode}: {server.Output}");
                await Task.Delay(20, limit.Token);
            }

            return server;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await server.DisposeAsync();
            throw new TimeoutException($"{command[0]} was not ready within three minutes: {server.Output}");
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills it.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<bool> IsReadyAsync(Func<CancellationToken, Task<bool>> isReady, CancellationToken cancellationToken)
    {
        try
        {
            return await isReady(cancellationToken);
        }
        catch (Exception error) when (error is HttpRequestException or SocketException or IOException)
        {
            return false;
        }
    }

    private static IEnumerable<Process> Descendants(int id) => File.ReadAllText($"/proc/{id}/task/{id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(static child => int.Parse(child, CultureInfo.InvariantCulture))
        .SelectMany(static child => Descendants(child).Prepend(Process.GetProcessById(child)));

    private void Add(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
            _output.AppendLine(line.Data);
    }
}
