using System.Collections.Immutable;
using System.Text.Json;
using Google.Protobuf;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Workflow.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;
using Temporalio.Converters;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>
/// The relocations on a Temporal server, for a program that hosts no worker. Each method throws a <see cref="RelocateException"/> whose one line says what is
/// wrong, and an <see cref="UnansweredException"/> where another try can help.
/// </summary>
/// <param name="client">Connected by <see cref="Connecting.TemporalConnector"/>.</param>
public sealed class TemporalRelocations(ITemporalClient client)
{
    /// <summary>What a server takes as one payload; it says so itself only after the upload, and in words of its own.</summary>
    private const int LargestPayload = 2 << 20;

    /// <summary>How long a decision may take, a replay of the whole history included: a server that dies while it makes one holds the blackout up for so long.</summary>
    private static readonly TimeSpan DecisionTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The most relocations in a list.</summary>
    private const int LongestList = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TaskQueuePollers _pollers = new(client);
    private bool? _attributes;

    /// <summary>The server's address.</summary>
    public string Address => client.Connection.Options.TargetHost!;

    /// <summary>Starts a relocation, or attaches to the one that was started with the same plan. Nothing is started where nobody would do its steps.</summary>
    /// <param name="plan">The plan; its relocation's id becomes the workflow's.</param>
    /// <param name="failAt">Failures to inject, checked before.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task StartAsync(RelocationPlan plan, ImmutableArray<string> failAt, CancellationToken cancellationToken) => AskAsync(plan.RelocationId, async rpc =>
    {
        await _pollers.DemandAllAsync(plan, rpc).ConfigureAwait(false);
        await StartAsync(new RelocationInput { Plan = plan, FailAt = failAt }, plan.RelocationId, plan.Spec, WorkflowIdReusePolicy.RejectDuplicate, WorkflowIdConflictPolicy.UseExisting, rpc).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    /// <summary>Goes on with a relocation whose run ended before it did (<see cref="RunStanding.Broken"/>): a new run takes over what it finds.</summary>
    /// <param name="id">The relocation.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task TakeOverAsync(string id, CancellationToken cancellationToken) => AskAsync(id, async rpc =>
    {
        var input = await ReadInputAsync(id, rpc).ConfigureAwait(false);
        var plan = input.Plan ?? Planner.Plan(input.Spec ?? throw new RelocateException($"{id}: its run was started with neither a plan nor a spec"), id, fused: true);
        await _pollers.DemandAllAsync(plan, rpc).ConfigureAwait(false);
        var again = new RelocationInput { Plan = plan, TakeOver = true, ContinueAfter = input.ContinueAfter };
        await StartAsync(again, id, plan.Spec, WorkflowIdReusePolicy.AllowDuplicateFailedOnly, WorkflowIdConflictPolicy.Fail, rpc).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    /// <summary>Says something to a relocation and waits for what the machine makes of it.</summary>
    /// <param name="id">The relocation.</param>
    /// <param name="signal">What.</param>
    /// <param name="signalId">It counts once, whatever is sent again under this id.</param>
    /// <param name="cancellationToken">Ends the wait; what was sent may count all the same.</param>
    public Task<SignalReply> SendAsync(string id, Signal signal, string signalId, CancellationToken cancellationToken) => AskAsync(id, async rpc =>
    {
        var (name, input) = SignalMessages.Of(signal, signalId);
        try
        {
            return await Handle(id).ExecuteUpdateAsync<SignalReply>(name, [input], new WorkflowUpdateOptions(signalId) { Rpc = rpc }).ConfigureAwait(false);
        }
        catch (WorkflowUpdateFailedException error)
        {
            return new SignalReply(false, (error.InnerException ?? error).Message.ReplaceLineEndings(" "));
        }
    }, cancellationToken);

    /// <summary>Leaves something with the server that counts as soon as a worker is there, without waiting for an answer.</summary>
    /// <param name="id">The relocation.</param>
    /// <param name="signal">What.</param>
    /// <param name="signalId">It counts once, whatever is sent again under this id.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task LeaveAsync(string id, Signal signal, string signalId, CancellationToken cancellationToken) => AskAsync(id, async rpc =>
    {
        var (name, input) = SignalMessages.Of(signal, signalId);
        await Handle(id).SignalAsync(name, [input], new WorkflowSignalOptions { Rpc = rpc }).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    /// <summary>The plan, as the workflow has it.</summary>
    public Task<RelocationPlan> ReadPlanAsync(string id, CancellationToken cancellationToken) =>
        AskAsync(id, rpc => Handle(id).QueryAsync<RelocationPlan>(TemporalNames.PlanQuery, [], new WorkflowQueryOptions { Rpc = rpc }), cancellationToken);

    /// <summary>Events after a place; asked again from their end until there are none, they are all.</summary>
    /// <param name="id">The relocation.</param>
    /// <param name="after">How many are known already.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<EventPage> ReadEventsAsync(string id, long after, CancellationToken cancellationToken) =>
        AskAsync(id, rpc => Handle(id).QueryAsync<EventPage>(TemporalNames.EventsQuery, [after], new WorkflowQueryOptions { Rpc = rpc }), cancellationToken);

    /// <summary>How the latest run stands with the server, whether a worker lives or not.</summary>
    public Task<RelocationDescription> DescribeAsync(string id, CancellationToken cancellationToken) => AskAsync(id, async rpc =>
    {
        var described = await client.WorkflowService.DescribeWorkflowExecutionAsync(Description(id), rpc).ConfigureAwait(false);
        var run = described.WorkflowExecutionInfo;
        if (run.Type.Name != TemporalNames.Workflow)
            throw new RelocateException($"Temporal server {Address}: workflow '{id}' is no relocation but of type '{run.Type.Name}'");
        var standing = await StandingAsync(id, run.Execution.RunId, run.Status, rpc).ConfigureAwait(false);
        return await RunDescriptions.ReadAsync(described, standing, client.Options.DataConverter).ConfigureAwait(false);
    }, cancellationToken);

    /// <summary>Whether there is, or was, a relocation of that id.</summary>
    public async Task<bool> ExistsAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await client.WorkflowService.DescribeWorkflowExecutionAsync(Description(id), Options(cancellationToken)).ConfigureAwait(false);
            return true;
        }
        catch (RpcException error) when (error.Code == RpcException.StatusCode.NotFound)
        {
            return false;
        }
        catch (Exception error) when (RelocationError.Knows(error, cancellationToken))
        {
            throw RelocationError.Describe(client, id, error);
        }
    }

    /// <summary>Says what keeps a relocation from going on, in one line, or gives null: nobody runs workflows, nobody polls a step's queue, a step is tried again.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="described">How its run stands.</param>
    /// <param name="waited">How long something may wait before it is worth a word.</param>
    /// <param name="now">Now (UTC).</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<string?> FindHindranceAsync(RelocationPlan plan, RelocationDescription described, TimeSpan waited, DateTimeOffset now, CancellationToken cancellationToken) =>
        AskAsync(described.Id, rpc => Hindrances.FindAsync(_pollers, plan, described, now - waited, rpc), cancellationToken);

    /// <summary>The relocations of the namespace, oldest first; at most 1000, the newest.</summary>
    /// <param name="prefix">How their ids begin, or null: all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<IReadOnlyList<RelocationSummary>> ListAsync(string? prefix, CancellationToken cancellationToken) => AskAsync(prefix ?? "relocations", async rpc =>
    {
        var query = $"WorkflowType = '{TemporalNames.Workflow}'" + (prefix is null ? "" : $" AND WorkflowId STARTS_WITH '{prefix.Replace("'", "", StringComparison.Ordinal)}'");
        var newest = new Dictionary<string, RelocationSummary>(StringComparer.Ordinal);
        // The server gives the newest first: of several runs of one relocation, the first one counts.
        for (ByteString page = ByteString.Empty, next; newest.Count < LongestList; page = next)
        {
            var found = await client.WorkflowService.ListWorkflowExecutionsAsync(
                new ListWorkflowExecutionsRequest { Namespace = client.Options.Namespace, Query = query, NextPageToken = page }, rpc).ConfigureAwait(false);
            foreach (var run in found.Executions.Where(run => run.Status != WorkflowExecutionStatus.ContinuedAsNew && !newest.ContainsKey(run.Execution.WorkflowId)))
                newest.Add(run.Execution.WorkflowId, await SummaryAsync(run, rpc).ConfigureAwait(false));
            if ((next = found.NextPageToken).IsEmpty)
                break;
        }

        return (IReadOnlyList<RelocationSummary>)[.. newest.Values.OrderBy(static each => each.StartedAt)];
    }, cancellationToken);

    /// <summary>Calls that are plain to the SDK are tried again only when it is told to.</summary>
    private static RpcOptions Options(CancellationToken cancellationToken) => new() { CancellationToken = cancellationToken, Timeout = Patience, Retry = true };

    private DescribeWorkflowExecutionRequest Description(string id) => new() { Namespace = client.Options.Namespace, Execution = new() { WorkflowId = id } };

    private WorkflowHandle Handle(string id) => client.GetWorkflowHandle(id);

    private async Task StartAsync(
        RelocationInput input, string id, Core.Relocations.RelocationSpec spec, WorkflowIdReusePolicy reuse, WorkflowIdConflictPolicy conflict, RpcOptions rpc)
    {
        var attributes = _attributes ??= await Visibility.HasAttributesAsync(client, rpc).ConfigureAwait(false);
        input = input with { SearchAttributes = attributes };
        var payload = await client.Options.DataConverter.ToPayloadAsync(input).ConfigureAwait(false);
        if (payload.CalculateSize() is > LargestPayload and var size)
            throw new RelocateException($"{id}: its plan is {size >> 10} KiB, and a Temporal server takes {LargestPayload >> 10} KiB at most; shorten the relocation file");
        var options = new WorkflowOptions(id, TemporalNames.ServerTaskQueue)
        {
            IdReusePolicy = reuse,
            IdConflictPolicy = conflict,
            TaskTimeout = DecisionTimeout,
            StaticSummary = $"{spec.App}: {spec.Source} -> {spec.Target}",
            Memo = Visibility.Memo(spec, attributes),
            Rpc = rpc,
        };
        try
        {
            await client.StartWorkflowAsync(TemporalNames.Workflow, [input], options).ConfigureAwait(false);
        }
        catch (WorkflowAlreadyStartedException error)
        {
            throw new RelocateException(
                reuse == WorkflowIdReusePolicy.RejectDuplicate
                    ? $"relocation {id} was run before, and its id cannot be used again; 'relocate status {id}' tells how it ended, a new 'relocate run' gets a new id"
                    : $"relocation {id} runs already, or is over; see 'relocate status {id}'",
                inner: error);
        }
    }

    private async Task<RelocationSummary> SummaryAsync(WorkflowExecutionInfo run, RpcOptions rpc)
    {
        var (id, runId) = (run.Execution.WorkflowId, run.Execution.RunId);
        string? phase;
        try
        {
            phase = await Visibility.PhaseAsync(run, client.Options.DataConverter).ConfigureAwait(false);
        }
        catch (RelocateException)
        {
            // One that another key encrypted hides none of the others.
            phase = "encrypted";
        }

        return new RelocationSummary(id, run.StartTime.ToDateTimeOffset(), await StandingAsync(id, runId, run.Status, rpc).ConfigureAwait(false), phase);
    }

    private async Task<RelocationInput> ReadInputAsync(string id, RpcOptions rpc)
    {
        try
        {
            await foreach (var first in Handle(id).FetchHistoryEventsAsync(new WorkflowHistoryEventFetchOptions { Rpc = rpc }).ConfigureAwait(false))
            {
                if (first.WorkflowExecutionStartedEventAttributes?.Input?.Payloads_ is [var payload, ..])
                    return InputForms.Read(JsonSerializer.SerializeToUtf8Bytes(await client.Options.DataConverter.ToValueAsync<JsonElement>(payload).ConfigureAwait(false), ContractJson.Default.JsonElement));
                break;
            }
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            throw new RelocateException($"{id}: the input of its run is no relocation: {error.Message.ReplaceLineEndings(" ")}", inner: error);
        }

        throw new RelocateException($"{id}: its run was started without an input");
    }

    private async Task<RunStanding> StandingAsync(string id, string runId, WorkflowExecutionStatus status, RpcOptions rpc)
    {
        switch (status)
        {
            case WorkflowExecutionStatus.Running or WorkflowExecutionStatus.ContinuedAsNew:
                return RunStanding.Running;
            case WorkflowExecutionStatus.Completed or WorkflowExecutionStatus.Canceled:
                return RunStanding.Ended;
            case WorkflowExecutionStatus.Failed:
                var handle = client.GetWorkflowHandle(id, runId);
                await foreach (var last in handle.FetchHistoryEventsAsync(new WorkflowHistoryEventFetchOptions { EventFilterType = HistoryEventFilterType.CloseEvent, Rpc = rpc }).ConfigureAwait(false))
                {
                    return last.WorkflowExecutionFailedEventAttributes?.Failure?.ApplicationFailureInfo?.Type switch
                    {
                        TemporalNames.CompensatedFailure => RunStanding.Ended,
                        TemporalNames.BadInputFailure => RunStanding.Refused,
                        _ => RunStanding.Broken,
                    };
                }

                return RunStanding.Broken;
            default:
                return RunStanding.Broken;
        }
    }

    private async Task<T> AskAsync<T>(string id, Func<RpcOptions, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(Options(cancellationToken)).ConfigureAwait(false);
        }
        catch (Exception error) when (RelocationError.Knows(error, cancellationToken))
        {
            throw RelocationError.Describe(client, id, error);
        }
    }
}
