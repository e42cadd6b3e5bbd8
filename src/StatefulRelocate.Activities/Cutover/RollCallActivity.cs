using StatefulRelocate.Activities.Dns;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Cutover;

/// <summary>Right before the blackout: this agent, the store and the DNS server answer, and the app on the source settles while it still serves.</summary>
internal sealed class RollCallActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.RollCall;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        var parts = new StepParts(environment.Time);
        await parts.TimeAsync("store", async () =>
        {
            var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
            var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (!string.Equals(record?.RelocationId, request.RelocationId, StringComparison.Ordinal) || record?.Epoch != request.Epoch)
                throw new ActivityException("superseded", $"the writer record of {held.App} is not held by {request.RelocationId} any more", retryable: false);
        }).ConfigureAwait(false);
        await parts.TimeAsync("dns", async () =>
        {
            foreach (var answer in await AppRecordSet.Of(request.Spec).AskAsync(environment, cancellationToken).ConfigureAwait(false))
                if (answer.RecordSet is null)
                    throw new ActivityException("dns-unanswered", $"DNS server {answer.Server} does not answer for {request.Spec.Dns.Zone}; the app was not touched");
        }).ConfigureAwait(false);
        string? warning = null;
        if (string.Equals(request.Cluster, request.Spec.Source, StringComparison.Ordinal)
            && (await held.DefinitionAsync(cancellationToken).ConfigureAwait(false)).Hooks.Settle is { } settle)
            warning = await parts.TimeAsync("settle hook", () => held.Cluster.RunHookAsync(held.App, settle, cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable(), Warnings = warning is null ? [] : [warning] };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
