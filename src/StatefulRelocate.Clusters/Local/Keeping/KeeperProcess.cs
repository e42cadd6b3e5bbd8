using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using StatefulRelocate.Clusters.Local.Freezing;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>The keeper's own life: detach, record, listen, end.</summary>
internal sealed class KeeperProcess(AppLayout layout, KeeperSettings settings, TimeProvider time) : IDisposable
{
    private readonly KeeperLog _log = new(layout.KeeperLog, time);
    private readonly CancellationTokenSource _end = new();

    /// <summary>The lock that one keeper of an app holds as long as it lives, or null when another has it.</summary>
    public static FileStream? TryLock(AppLayout layout)
    {
        try
        {
            return new FileStream(layout.KeeperLock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(layout.KeeperLock))
        {
            return null;
        }
    }

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        Detach();
        var previous = DurableFile.Read(layout.KeeperRecord, ClustersJson.Default.KeeperRecord);
        var afterAKill = previous is not null && previous.BootId == ProcessTable.BootId;
        var cgroup = afterAKill && previous!.Cgroup is { } path && Directory.Exists(path)
            ? new AppCgroup(path, previous.CgroupVersion)
            : AppCgroup.TryCreate(layout.Mark, settings.Freezer);

        // Before anything is started: whoever comes later finds this process by it.
        var self = ProcessTable.Find(Environment.ProcessId)!.Value.Id;
        DurableFile.Write(
            layout.KeeperRecord,
            new KeeperRecord(self.Number, self.StartTime, ProcessTable.BootId, cgroup?.Path, cgroup?.Version ?? 0),
            ClustersJson.Default.KeeperRecord);
        _log.Write($"keeper {self.Number} of {settings.App} on {settings.Cluster}, {(cgroup is null ? "freezes by signals" : "freezes by " + cgroup.Path)}{(afterAKill ? ", after a keeper that was killed" : string.Empty)}");

        var reaper = new ChildReaper();
        var processes = new AppProcesses(layout, cgroup, reaper, time, afterAKill);
        using var supervisor = new Supervisor(layout, settings, _log, time, reaper, processes);
        using var listener = ControlSocket.Listen(layout.KeeperDirectory);
        using var ended = cancellationToken.Register(_end.Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        var bounds = BoundLogsAsync();
        try
        {
            while (true)
            {
                var connection = await listener.AcceptAsync(_end.Token).ConfigureAwait(false);
                _ = Task.Run(() => ServeAsync(connection, supervisor), CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }

        await supervisor.StopAsync(keeperEnds: true).ConfigureAwait(false);
        await bounds.ConfigureAwait(false);
        cgroup?.TryDelete();
        File.Delete(Path.Combine(layout.KeeperDirectory, AppLayout.SocketName));
        _log.Write("keeper ends");

        // Its absence says that nothing was left behind.
        DurableFile.Delete(layout.KeeperRecord);
        return ExitCode.Completed;
    }

    public void Dispose() => _end.Dispose();

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        _end.Cancel();
    }

    private void Detach()
    {
        _ = Libc.setsid();
        if (!Libc.BecomeSubreaper())
            throw new RelocateException("this kernel offers no child subreapers (prctl PR_SET_CHILD_SUBREAPER); Linux 3.4 or later is needed", ExitCode.OurError);

        // Whoever started the cluster may wait for the end of its output; the keeper must not hold that open.
        var nothing = Libc.open("/dev/null", Libc.OReadWrite | Libc.OCloseOnExec, 0);
        var log = Libc.open(layout.KeeperLog, Libc.OWriteOnly | Libc.OCreate | Libc.OAppend | Libc.OCloseOnExec, 0x180);
        _ = Libc.dup2(nothing, 0);
        _ = Libc.dup2(log >= 0 ? log : nothing, 1);
        _ = Libc.dup2(log >= 0 ? log : nothing, 2);
        _ = Libc.close(nothing);
        if (log >= 0)
            _ = Libc.close(log);
    }

    private async Task BoundLogsAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250), time);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
            {
                KeeperLog.Bound(layout.KeeperLog, 1 << 20);
                if (!Directory.Exists(layout.Logs))
                    continue;
                foreach (var file in Directory.EnumerateFiles(layout.Logs, "*.log"))
                    KeeperLog.Bound(file, settings.MaxLogBytes);
            }
        }
        catch (OperationCanceledException)
        {
            // The keeper ends.
        }
    }

    private async Task ServeAsync(Socket connection, Supervisor supervisor)
    {
        using var stream = new NetworkStream(connection, ownsSocket: true);
        try
        {
            using var reader = new StreamReader(stream, leaveOpen: true);
            if (await reader.ReadLineAsync(_end.Token).ConfigureAwait(false) is not { } line)
                return;
            var request = JsonSerializer.Deserialize(line, ClustersJson.Default.KeeperRequest)!;
            if (request.Verb == KeeperRequest.Watch)
            {
                await reader.ReadLineAsync(CancellationToken.None).ConfigureAwait(false);
                return;
            }

            using var left = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            if (request.Verb == KeeperRequest.Execute)
                _ = CancelWhenLeftAsync(reader, left);
            var reply = await AnswerAsync(request, supervisor, left.Token).ConfigureAwait(false);
            await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(reply, ClustersJson.Default.KeeperReply)).ConfigureAwait(false);
            await stream.WriteAsync("\n"u8.ToArray()).ConfigureAwait(false);
            if (request.Verb == KeeperRequest.ShutDown)
                await _end.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or JsonException or OperationCanceledException)
        {
            // Whoever asked has gone; what was begun goes on to its end.
        }
    }

    // A command belongs to the attempt that asked for it: when that one leaves, nothing of it may act later.
    private static async Task CancelWhenLeftAsync(StreamReader reader, CancellationTokenSource left)
    {
        try
        {
            await reader.ReadLineAsync(left.Token).ConfigureAwait(false);
            await left.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It was answered and the connection is closed.
        }
    }

    private async Task<KeeperReply> AnswerAsync(KeeperRequest request, Supervisor supervisor, CancellationToken left)
    {
        try
        {
            switch (request.Verb)
            {
                case KeeperRequest.Start:
                    await supervisor.StartAsync().ConfigureAwait(false);
                    return new KeeperReply();
                case KeeperRequest.Stop or KeeperRequest.ShutDown:
                    await supervisor.StopAsync(request.Verb == KeeperRequest.ShutDown).ConfigureAwait(false);
                    return new KeeperReply();
                case KeeperRequest.Freeze:
                    await supervisor.FreezeAsync().ConfigureAwait(false);
                    return new KeeperReply();
                case KeeperRequest.Kill:
                    await supervisor.KillAsync().ConfigureAwait(false);
                    return new KeeperReply();
                case KeeperRequest.Status:
                    return supervisor.Status();
                case KeeperRequest.Execute:
                    return await supervisor.ExecuteAsync(request, left).ConfigureAwait(false);
                default:
                    return new KeeperReply { ErrorCode = "unknown-order", Error = $"the keeper does not know '{request.Verb}'", Retryable = false };
            }
        }
        catch (ClusterException error)
        {
            _log.Write($"{request.Verb}: {error.Message}");
            return new KeeperReply { ErrorCode = error.Code, Error = error.Message, Retryable = error.Retryable };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException or ArgumentException)
        {
            _log.Write($"{request.Verb}: {error}");
            return new KeeperReply { ErrorCode = "keeper-failed", Error = $"{request.Verb}: {error.Message}" };
        }
    }
}
