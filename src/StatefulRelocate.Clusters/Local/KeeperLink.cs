using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using StatefulRelocate.Clusters.Local.Freezing;
using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;

namespace StatefulRelocate.Clusters.Local;

/// <summary>The way from the cluster's process to the keeper of one app: find it, start it, ask it.</summary>
internal sealed class KeeperLink(AppLayout layout, LocalClusterOptions options) : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);
    private readonly SemaphoreSlim _starting = new(1);

    /// <summary>The keeper that is there, by its record, or null.</summary>
    public KeeperRecord? FindKeeper()
    {
        var record = DurableFile.Read(layout.KeeperRecord, ClustersJson.Default.KeeperRecord);
        return record is not null && record.BootId == ProcessTable.BootId && ProcessTable.IsAlive(new ProcessId(record.Pid, record.StartTime)) ? record : null;
    }

    /// <summary>The app's cgroup, whether its keeper lives or not.</summary>
    public AppCgroup? FindCgroup()
        => DurableFile.Read(layout.KeeperRecord, ClustersJson.Default.KeeperRecord) is { Cgroup: { } path } record && record.BootId == ProcessTable.BootId
            ? new AppCgroup(path, record.CgroupVersion)
            : null;

    /// <summary>Makes sure that a keeper is there and answers. It stays, idle, so that a start inside a blackout need not wait for one.</summary>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (FindKeeper() is not null && TryConnect() is { } there)
        {
            there.Dispose();
            return;
        }

        await _starting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var watch = Stopwatch.StartNew();
            var process = 0;
            while (true)
            {
                if (FindKeeper() is not null && TryConnect() is { } connection)
                {
                    connection.Dispose();
                    return;
                }

                // One that gave way to an older keeper has ended by now; then the older one is found, or has ended too and another is needed.
                if (process == 0 || ProcessTable.Find(process) is null or { IsGone: true })
                    process = FindKeeper() is null ? Launch() : process;
                if (watch.Elapsed > StartLimit)
                    throw new ClusterException("keeper-missing", $"the keeper of {layout.Directory} does not answer after {StartLimit.TotalSeconds:0} s; see {layout.KeeperLog}");
                await Task.Delay(TimeSpan.FromMilliseconds(2), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>Asks, and throws what the keeper answers as an error. Leaving early does not undo what was asked, but ends a command.</summary>
    public async Task<KeeperReply> AskAsync(KeeperRequest request, CancellationToken cancellationToken)
    {
        try
        {
            using var stream = new NetworkStream(ControlSocket.Connect(layout.KeeperDirectory), ownsSocket: true);
            await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(request, ClustersJson.Default.KeeperRequest), (byte)'\n'], cancellationToken).ConfigureAwait(false);
            using var reader = new StreamReader(stream);
            string? line;
            try
            {
                line = await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (request.Verb == KeeperRequest.Execute)
            {
                // The keeper kills the command when it sees that nobody waits; the attempt has ended only when that has.
                stream.Socket.Shutdown(SocketShutdown.Send);
                using var patience = new CancellationTokenSource(StartLimit);
                while (await stream.ReadAsync(new byte[512], patience.Token).ConfigureAwait(false) > 0)
                {
                }

                throw;
            }

            if (line is null)
                throw new IOException("it ended before it answered");
            var reply = JsonSerializer.Deserialize(line, ClustersJson.Default.KeeperReply)!;
            return reply.Error is null ? reply : throw new ClusterException(reply.ErrorCode ?? "keeper-failed", reply.Error, reply.Retryable);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            throw new ClusterException("keeper-gone", $"the keeper of {layout.Directory} did not answer '{request.Verb}': {error.Message}; see {layout.KeeperLog}", inner: error);
        }
    }

    /// <summary>Ends when the keeper does.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var stream = new NetworkStream(ControlSocket.Connect(layout.KeeperDirectory), ownsSocket: true);
            await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(new KeeperRequest { Verb = KeeperRequest.Watch }, ClustersJson.Default.KeeperRequest), (byte)'\n'], cancellationToken).ConfigureAwait(false);
            _ = await stream.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            // The same as its end.
        }
    }

    public void Dispose() => _starting.Dispose();

    private Socket? TryConnect()
    {
        try
        {
            return ControlSocket.Connect(layout.KeeperDirectory);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return null;
        }
    }

    private int Launch()
    {
        var settings = new KeeperSettings(Path.GetFileName(layout.Directory), options.Name, options.Address, options.Freezer, options.MaxLogBytes, options.RestartDelay);
        DurableFile.Write(layout.KeeperSettings, settings, ClustersJson.Default.KeeperSettings);
        var environment = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            // The keeper needs none of our variables, and a passphrase may be among them.
            if (!((string)variable.Key).StartsWith("RELOCATE_", StringComparison.Ordinal))
                environment[(string)variable.Key] = (string?)variable.Value ?? string.Empty;
        }

        var nothing = Libc.open("/dev/null", Libc.OReadWrite | Libc.OCloseOnExec, 0);
        var log = Libc.open(layout.KeeperLog, Libc.OWriteOnly | Libc.OCreate | Libc.OAppend | Libc.OCloseOnExec, 0x180);
        try
        {
            var command = options.KeeperCommand;
            var program = InstallChecks.FindProgram(command[0], Environment.CurrentDirectory, Environment.GetEnvironmentVariable("PATH"))
                ?? throw new ClusterException("keeper-missing", $"{command[0]}: the keeper's program does not exist", retryable: false);
            var process = Spawner.Spawn(new SpawnRequest
            {
                Program = program,
                Arguments = [.. command, "--app-directory", layout.Directory],
                Environment = environment,
                WorkingDirectory = "/",
                Descriptors = [nothing, log, log],
            });

            // A thread that only waits: a keeper that ended would stay a zombie, as long as this process lives.
            new Thread(() => Reap(process), maxStackSize: 128 * 1024) { IsBackground = true, Name = "keeper " + process }.Start();
            return process;
        }
        catch (IOException error)
        {
            throw new ClusterException("keeper-missing", error.Message, inner: error);
        }
        finally
        {
            _ = Libc.close(nothing);
            _ = Libc.close(log);
        }
    }

    private static unsafe void Reap(int process)
    {
        int status;
        while (Libc.waitpid(process, &status, 0) < 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == Libc.Eintr)
        {
        }
    }
}
