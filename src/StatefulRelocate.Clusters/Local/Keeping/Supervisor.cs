using System.Collections.Immutable;
using StatefulRelocate.Clusters.Local.Freezing;
using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>Keeps the processes of one app as they should be. Orders come one at a time; a kill hurries the one before it.</summary>
internal sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan FreezeLimit = TimeSpan.FromSeconds(5);

    private readonly AppLayout _layout;
    private readonly KeeperSettings _settings;
    private readonly KeeperLog _log;
    private readonly TimeProvider _time;
    private readonly ChildReaper _reaper;
    private readonly AppProcesses _processes;
    private readonly ProcessLauncher _launcher;
    private readonly Suspender _suspender;
    private readonly SemaphoreSlim _order = new(1);
    private readonly SemaphoreSlim _executing = new(1);
    private ImmutableArray<SupervisedProcess> _supervised = [];
    private AppVariables? _variables;
    private CancellationTokenSource _hurry = new();
    private volatile bool _wanted;
    private volatile bool _frozen;
    private int _round;

    public Supervisor(AppLayout layout, KeeperSettings settings, KeeperLog log, TimeProvider time, ChildReaper reaper, AppProcesses processes)
    {
        (_layout, _settings, _log, _time, _reaper, _processes) = (layout, settings, log, time, reaper, processes);
        _launcher = new ProcessLauncher(reaper, processes.Cgroup);
        _suspender = new Suspender(processes.Cgroup, processes.Members);
        _frozen = processes.HasSurvivors && processes.AreSurvivorsSuspended();
    }

    /// <summary>Starts what does not run; thaws what is frozen.</summary>
    public async Task StartAsync()
    {
        await _order.WaitAsync().ConfigureAwait(false);
        try
        {
            if (WhyItMayNotRun() is { } reason)
                throw new ClusterException("may-not-run", reason, retryable: false);
            if (_frozen && !_processes.HasSurvivors)
            {
                _suspender.Thaw();
                _log.Write("thawed");
            }

            _frozen = false;
            if (_processes.HasSurvivors)
            {
                _log.Write("killing what is left of a keeper that was killed");
                await _processes.KillAllAsync().ConfigureAwait(false);
            }

            if (_processes.WhoElseWrites() is { } writer)
                throw new ClusterException("volume-in-use", $"app {_settings.App}: {writer}; end it before the app starts");
            if (!_wanted || _supervised.IsEmpty)
                Load();
            _wanted = true;
            foreach (var process in _supervised.Where(process => process.Id is null))
                await LaunchAsync(process).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException("start-failed", $"app {_settings.App}: {error.Message}", inner: error);
        }
        finally
        {
            _order.Release();
        }
    }

    /// <summary>Stops in reverse order, each with its signal and grace, then kills until nothing is left.</summary>
    /// <param name="keeperEnds">Whether the keeper ends with it, whatever the app should do later.</param>
    public async Task StopAsync(bool keeperEnds)
    {
        await _order.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!keeperEnds)
                RequireDesired(state => state is { State: DesiredState.Quiesced, Mode: QuiesceMode.Stop });
            _wanted = false;
            Interlocked.Increment(ref _round);
            if (!_frozen)
            {
                for (var i = _supervised.Length - 1; i >= 0; i--)
                    await StopAsync(_supervised[i], last: i == 0).ConfigureAwait(false);
            }

            await _processes.KillAllAsync().ConfigureAwait(false);
            Forget("stopped");
        }
        finally
        {
            _order.Release();
        }
    }

    /// <summary>Suspends every descendant. Nothing restarts from then on.</summary>
    public async Task FreezeAsync()
    {
        await _order.WaitAsync().ConfigureAwait(false);
        try
        {
            RequireDesired(state => state is { State: DesiredState.Quiesced, Mode: QuiesceMode.Freeze });
            _frozen = true;
            _suspender.Freeze(FreezeLimit);
            _log.Write("frozen");
        }
        finally
        {
            _order.Release();
        }
    }

    /// <summary>Kills everything, at once.</summary>
    public async Task KillAsync()
    {
        _wanted = false;
        var hurry = _hurry;
        await hurry.CancelAsync().ConfigureAwait(false);
        await _order.WaitAsync().ConfigureAwait(false);
        try
        {
            _wanted = false;
            Interlocked.Increment(ref _round);
            await _processes.KillAllAsync().ConfigureAwait(false);
            Forget("killed");
            if (ReferenceEquals(hurry, _hurry))
                _hurry = new CancellationTokenSource();
        }
        finally
        {
            _order.Release();
        }
    }

    /// <summary>
    /// Runs a command of the app, as its processes are run; at the timeout, or when who asked has left, its whole tree is killed. One at a
    /// time, so that a hook begins only after the one before it, and all of its children, have ended.
    /// </summary>
    public async Task<KeeperReply> ExecuteAsync(KeeperRequest request, CancellationToken left)
    {
        await _executing.WaitAsync(left).ConfigureAwait(false);
        try
        {
            return await ExecuteAloneAsync(request, left).ConfigureAwait(false);
        }
        finally
        {
            _executing.Release();
        }
    }

    private async Task<KeeperReply> ExecuteAloneAsync(KeeperRequest request, CancellationToken left)
    {
        if (_frozen)
            throw new ClusterException("frozen", $"app {_settings.App} is frozen; nothing of it runs before it is thawed");
        if (ReadWriterState() is { } state && !state.MayRun(_settings.Cluster))
            throw new ClusterException("may-not-run", $"app {_settings.App} may not run on {_settings.Cluster}: {Describe(state)}", retryable: false);
        var variables = _variables ?? Variables(ReadDefinition());
        var account = ProcessLauncher.AccountOf(request.User, "exec");
        var role = $"exec-{Guid.NewGuid():n}";
        var log = Path.Combine(_layout.Logs, role + ".out");
        try
        {
            var held = _launcher.Hold(variables.Command(request.Command, "exec"), variables.Environment(role, account), _layout.Directory, account, log);
            held.Release();
            int? code = null;
            try
            {
                var status = await held.Ended.WaitAsync(request.Timeout, _time, left).ConfigureAwait(false);
                code = (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
            }
            catch (Exception error) when (error is TimeoutException or OperationCanceledException)
            {
                await _processes.KillAsync(role, held.Id).ConfigureAwait(false);
            }

            // The output stays here, in a file of the owner's: it may say what no event may.
            if (LastLines(log) is { Length: > 0 } output)
                await File.AppendAllTextAsync(_layout.ExecLog, $"{_time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {output}\n", CancellationToken.None).ConfigureAwait(false);
            return new KeeperReply { ExitCode = code };
        }
        catch (IOException error)
        {
            throw new ClusterException("exec-failed", error.Message, inner: error);
        }
        finally
        {
            File.Delete(log);
        }
    }

    public KeeperReply Status()
    {
        var supervised = _supervised;
        var down = supervised.Where(process => process.Id is null).ToList();
        var state = _frozen ? AppRunState.Frozen
            : _processes.HasSurvivors ? AppRunState.Running
            : !_wanted ? AppRunState.Stopped
            : down.Count > 0 ? AppRunState.Restarting
            : AppRunState.Running;
        return new KeeperReply
        {
            State = state,
            ProcessIds = [.. _processes.Members(ProcessTable.Read()).Where(process => !process.IsGone).Select(process => process.Id.Number).Order()],
            Note = down.Count == 0 || !_wanted ? null : string.Join("; ", down.Select(process => $"process {process.Declared.Name} {process.LastEnd}, see {LogOf(process.Declared.Name)}")),
        };
    }

    public void Dispose()
    {
        _order.Dispose();
        _executing.Dispose();
        _hurry.Dispose();
    }

    private void Load()
    {
        var definition = ReadDefinition();
        _variables = Variables(definition);
        _supervised = [.. definition.Processes.Select(process => new SupervisedProcess(process))];
        Directory.CreateDirectory(_layout.Logs, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private AppDefinition ReadDefinition() => DurableFile.Read(_layout.Definition, ClustersJson.Default.AppDefinition)
        ?? throw new ClusterException("app-unknown", $"app {_settings.App} is not installed on {_settings.Cluster}", retryable: false);

    private AppVariables Variables(AppDefinition definition) => new(definition, _layout, _settings.Cluster, _settings.Address);

    private string LogOf(string process) => Path.Combine(_layout.Logs, process + ".log");

    private AppWriterState ReadWriterState() => DurableFile.Read(_layout.WriterState, ClustersJson.Default.AppWriterState) ?? new AppWriterState();

    private string? WhyItMayNotRun()
    {
        var desired = DurableFile.Read(_layout.Desired, ClustersJson.Default.DesiredApp);
        if (desired is not { State: DesiredState.Running })
            return $"app {_settings.App} should not run on {_settings.Cluster}: its desired state is {desired?.State ?? DesiredState.Stopped}";
        var state = ReadWriterState();
        return state.MayRun(_settings.Cluster) ? null : $"app {_settings.App} may not run on {_settings.Cluster}: {Describe(state)}";
    }

    private static string Describe(AppWriterState state) => state.Fenced ? "a fence stands" : $"the writer is {state.Record?.Writer}";

    /// <summary>An order that was overtaken by the opposite one must not be carried out after it: the intent is written before each order.</summary>
    private void RequireDesired(Func<DesiredApp, bool> expected)
    {
        var desired = DurableFile.Read(_layout.Desired, ClustersJson.Default.DesiredApp) ?? new DesiredApp(DesiredState.Stopped);
        if (!expected(desired))
            throw new ClusterException("superseded", $"app {_settings.App}: a later order came first; its desired state is {desired.State}", retryable: false);
    }

    private async Task LaunchAsync(SupervisedProcess process)
    {
        if (process.MayHaveLeftovers)
        {
            await _processes.KillAsync(process.Declared.Name, except: null).ConfigureAwait(false);
            process.MayHaveLeftovers = false;
        }

        var declared = process.Declared;
        var where = $"process {declared.Name}";
        var account = ProcessLauncher.AccountOf(declared.User, where);
        var environment = _variables!.Environment(declared.Name, account);
        _variables.AddDeclared(environment, declared);
        var held = _launcher.Hold(_variables.Command(declared.Command, where + ": command"), environment, _variables.WorkingDirectory(declared), account, LogOf(declared.Name));

        // Read again while it is held: between the first look and now a fence may have been set.
        if (WhyItMayNotRun() is { } reason)
        {
            held.Abandon();
            throw new ClusterException("may-not-run", reason, retryable: false);
        }

        process.Started(held, _time);
        Record();
        held.Release();
        _log.Write($"{where} started as {held.Id.Number}");
        var round = _round;
        _ = Task.Run(() => WatchAsync(process, held, round));
    }

    private void Record()
        => DurableFile.Write(
            _layout.Processes,
            new StartedProcesses(ProcessTable.BootId, [.. _supervised.Where(process => process.Id is not null).Select(process => new StartedProcess(process.Declared.Name, process.Id!.Value.Number, process.Id.Value.StartTime))]),
            ClustersJson.Default.StartedProcesses,
            durable: false);

    private async Task WatchAsync(SupervisedProcess process, HeldProcess held, int round)
    {
        var status = await held.Ended.ConfigureAwait(false);

        // A program that left a daemon behind and said all is well goes on as that daemon.
        while (status == 0 && round == Volatile.Read(ref _round) && _reaper.ReapAndAskWhetherAnyIsLeft() && _processes.Of(process.Declared.Name).Any())
            await Task.WhenAny(_reaper.NextEnd, Task.Delay(TimeSpan.FromSeconds(1), _time)).ConfigureAwait(false);

        TimeSpan? delay = null;
        while (true)
        {
            await _order.WaitAsync().ConfigureAwait(false);
            try
            {
                if (round != Volatile.Read(ref _round))
                    return;
                if (delay is null)
                {
                    delay = process.Finished(status, _settings.RestartDelay, _time);
                    _log.Write($"process {process.Declared.Name} ({held.Id.Number}) {process.LastEnd}; {(_frozen ? "the app is frozen" : $"next start in {delay.Value.TotalMilliseconds:0} ms")}");
                    if (_frozen)
                        return;
                    await _processes.KillAsync(process.Declared.Name, except: null).ConfigureAwait(false);
                }
                else
                {
                    if (!_wanted || _frozen || process.Id is not null)
                        return;
                    await LaunchAsync(process).ConfigureAwait(false);
                    return;
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ClusterException { Retryable: true })
            {
                _log.Write(error.Message);
                delay = process.Finished(status, _settings.RestartDelay, _time);
            }
            catch (ClusterException error)
            {
                // A fence, or an intent: only a new order starts it again.
                _log.Write(error.Message);
                return;
            }
            finally
            {
                _order.Release();
            }

            await Task.Delay(delay.Value, _time).ConfigureAwait(false);
        }
    }

    private async Task StopAsync(SupervisedProcess process, bool last)
    {
        var hurry = _hurry.Token;
        var deadline = _time.GetTimestamp();
        var grace = process.Declared.Stop.Grace;
        TimeSpan Left() => grace - _time.GetElapsedTime(deadline) is { Ticks: > 0 } left ? left : TimeSpan.Zero;
        var signal = SignalNames.Find(process.Declared.Stop.Signal) ?? 15;
        if (process is { IsRunning: true, Id: { } id, Ended: { } ended })
        {
            ProcessTable.Signal(id, signal);
            await Task.WhenAny(ended, Task.Delay(Left(), _time, hurry)).ConfigureAwait(false);
        }

        // The main process is gone: what it left gets the same signal and the rest of the grace.
        if (!process.IsRunning && !hurry.IsCancellationRequested && _reaper.ReapAndAskWhetherAnyIsLeft())
        {
            var signalled = new HashSet<ProcessId>();
            while (Left() > TimeSpan.Zero && !hurry.IsCancellationRequested)
            {
                var left = last ? _processes.Members(ProcessTable.Read()).Where(entry => !entry.IsGone).ToList() : [.. _processes.Of(process.Declared.Name)];
                if (left.Count == 0)
                    break;
                foreach (var entry in left.Where(entry => signalled.Add(entry.Id)))
                    ProcessTable.Signal(entry.Id, signal);
                await Task.WhenAny(_reaper.NextEnd, Task.Delay(TimeSpan.FromMilliseconds(5), _time)).ConfigureAwait(false);
            }
        }

        if (!last)
            await _processes.KillAsync(process.Declared.Name, process.Id).ConfigureAwait(false);
    }

    private void Forget(string what)
    {
        _frozen = false;
        foreach (var process in _supervised)
            process.Stopped();
        Record();
        _log.Write(what);
    }

    private static string LastLines(string file)
    {
        const int most = 400;
        var text = File.ReadAllText(file).Trim();
        return text.Length <= most ? text : text[^most..];
    }
}
