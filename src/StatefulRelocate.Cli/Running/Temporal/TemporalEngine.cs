using System.Collections.Immutable;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;
using StatefulRelocate.Engines.Temporal.Client.Connecting;
using StatefulRelocate.Engines.Temporal.Client.Relocations;
using Temporalio.Client;
using Temporalio.Runtime;

namespace StatefulRelocate.Cli.Running.Temporal;

/// <summary>Relocations on a Temporal server, which <c>relocate-server</c> and the agents carry on, whether this program lives or not.</summary>
internal sealed class TemporalEngine : IRelocationEngine
{
    private static readonly TimeSpan FollowPoll = TimeSpan.FromMilliseconds(100);
    private readonly TemporalRelocations _relocations;

    private TemporalEngine(TemporalRelocations relocations) => _relocations = relocations;

    /// <summary>Connects as the environment says.</summary>
    public static Task<IRelocationEngine> ConnectAsync(CancellationToken cancellationToken) => ConnectAsync(ConnectionSettings.Load(), cancellationToken);

    /// <summary>Connects as the settings say.</summary>
    public static async Task<IRelocationEngine> ConnectAsync(ConnectionSettings settings, CancellationToken cancellationToken) =>
        new TemporalEngine(new TemporalRelocations(await TemporalConnector.ConnectAsync(settings, Silence, cancellationToken)));

    public async Task<IReadOnlyList<ListedRelocation>> ListAsync(CancellationToken cancellationToken) => Listed(await _relocations.ListAsync(null, cancellationToken));

    /// <summary>An id in full is asked for by itself: what was started a moment ago may not be in a list yet.</summary>
    public async Task<string> FindAsync(string? id, bool openOnly, CancellationToken cancellationToken) =>
        id is not null && await _relocations.ExistsAsync(id, cancellationToken) ? id : ListedRelocation.Find(Listed(await _relocations.ListAsync(id, cancellationToken)), id, openOnly);

    public async Task<IRelocationLog> OpenAsync(string id, CancellationToken cancellationToken) =>
        new TemporalLog(_relocations, await _relocations.ReadPlanAsync(id, cancellationToken), []);

    public Task CheckAsync(RelocationSpec spec, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sees first that somebody polls every queue; what Ctrl-C interrupts here would go on all the same, so it does not interrupt.</summary>
    public async Task<IRelocationLog> StartAsync(RelocationPlan plan, IReadOnlyList<Fault> faults, CancellationToken cancellationToken)
    {
        if (faults.Any(static fault => fault.Action == FaultAction.Crash))
            throw new RelocateException("--crash-at kills an engine in this process, and with --engine temporal none runs here; kill relocate-server or an agent instead");
        ImmutableArray<string> failAt = [.. faults.Select(static fault => $"{fault.Step}:{(fault.Time == FaultTime.Before ? "before" : "after")}")];
        await _relocations.StartAsync(plan, failAt, CancellationToken.None);
        return new TemporalLog(_relocations, plan, faults);
    }

    public async Task<SignalAnswer> SendAsync(string id, Signal signal, string signalId, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await _relocations.SendAsync(id, signal, signalId, cancellationToken);
            return new SignalAnswer(signalId, signal, reply.Accepted, reply.Answer);
        }
        catch (UnansweredException error) when (signal is Abort)
        {
            // Undoing must not wait for somebody to type it again.
            await _relocations.LeaveAsync(id, signal, signalId, cancellationToken);
            return new SignalAnswer(signalId, signal, Accepted: true, $"left with the Temporal server, and decided as soon as a relocate-server is there ({error.Message})");
        }
    }

    public async Task<bool> ReviveAsync(string id, CancellationToken cancellationToken)
    {
        if ((await _relocations.DescribeAsync(id, cancellationToken)).Standing != RunStanding.Broken)
            return false;
        await _relocations.TakeOverAsync(id, CancellationToken.None);
        return true;
    }

    public async Task CarryOnAsync(RelocationView view, CancellationToken cancellationToken)
    {
        while (!(await view.RefreshAsync(cancellationToken)).IsSettled)
        {
            view.DemandAlive();
            await Task.Delay(FollowPoll, cancellationToken);
        }
    }

    public string Left(string id) => $"left; it goes on without this program, see 'relocate watch {id}'";

    public void Dispose()
    {
    }

    /// <summary>The SDK's native part writes its own lines onto standard output, where a report may be.</summary>
    private static void Silence(TemporalClientConnectOptions options) => options.Runtime = new TemporalRuntime(new TemporalRuntimeOptions(new TelemetryOptions { Logging = null }));

    private static ListedRelocation[] Listed(IReadOnlyList<RelocationSummary> found) =>
        [.. found.Select(static each => new ListedRelocation(each.Id, each.StartedAt, each.Standing is RunStanding.Running or RunStanding.Broken, () => Describe(each)))];

    private static string Describe(RelocationSummary relocation) => relocation.Standing switch
    {
        RunStanding.Broken => $"{relocation.Phase ?? "unknown"}; its run is gone, 'relocate resume {relocation.Id}' takes over",
        RunStanding.Refused => "refused: its input made no sense",
        _ => relocation.Phase ?? "waits for a relocate-server",
    };
}
