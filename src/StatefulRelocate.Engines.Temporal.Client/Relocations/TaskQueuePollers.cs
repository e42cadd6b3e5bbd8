using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.TaskQueue.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>Whether somebody takes work from the task queues of a plan.</summary>
internal sealed class TaskQueuePollers(ITemporalClient client)
{
    /// <summary>
    /// A poll that finds nothing lasts a minute, and the server knows of it from its beginning; it forgets a poller only after five. The newest poll of
    /// all stands for now, so that no clock of this machine is compared with one of the server's.
    /// </summary>
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(75);

    /// <summary>A worker that was started together with this program polls soon.</summary>
    private const int Looks = 12;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    /// <summary>The queue of the workflows and those of the plan's steps all have pollers, now or within 3 seconds.</summary>
    /// <exception cref="RelocateException">The first that has none.</exception>
    public async Task DemandAllAsync(RelocationPlan plan, RpcOptions rpc)
    {
        for (var look = 1; await FindSilentAsync(plan.Steps, rpc).ConfigureAwait(false) is { } silent; look++)
        {
            if (look == Looks)
                throw new RelocateException($"{silent}; nothing was started");
            await Task.Delay(BetweenLooks, rpc.CancellationToken ?? CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Says of the first queue that has no pollers whose it is, or gives null.</summary>
    /// <param name="steps">Steps of a plan.</param>
    /// <param name="rpc">How the server is asked.</param>
    public async Task<string?> FindSilentAsync(IEnumerable<PlannedStep> steps, RpcOptions rpc)
    {
        var queues = steps.Where(static step => step.Cluster is not null).Select(static step => (Name: QueueOf(step), step.Cluster)).Distinct().ToList();
        var server = await LastPollAsync(TemporalNames.ServerTaskQueue, TaskQueueType.Workflow, rpc).ConfigureAwait(false);
        var agents = new List<DateTimeOffset>();
        foreach (var (name, _) in queues)
            agents.Add(await LastPollAsync(name, TaskQueueType.Activity, rpc).ConfigureAwait(false));
        var now = agents.Append(server).Max();
        if (IsSilent(server))
            return RelocationError.NoServer;
        var first = agents.FindIndex(IsSilent);
        return first < 0 ? null : $"nobody polls the task queue {queues[first].Name}: is 'relocate-agent --cluster {queues[first].Cluster}' running?";

        bool IsSilent(DateTimeOffset lastPoll) => lastPoll == DateTimeOffset.MinValue || now - lastPoll > Recent;
    }

    private static string QueueOf(PlannedStep step) => step.TaskQueue ?? TaskQueues.Of(step.Cluster)!;

    private async Task<DateTimeOffset> LastPollAsync(string queue, TaskQueueType type, RpcOptions rpc)
    {
        var described = await client.WorkflowService.DescribeTaskQueueAsync(
            new DescribeTaskQueueRequest { Namespace = client.Options.Namespace, TaskQueue = new TaskQueue { Name = queue }, TaskQueueType = type }, rpc).ConfigureAwait(false);
        return described.Pollers.Where(static poller => poller.LastAccessTime is not null).Select(static poller => poller.LastAccessTime.ToDateTimeOffset()).DefaultIfEmpty(DateTimeOffset.MinValue).Max();
    }
}
