using StatefulRelocate.Activities.Dns;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Preflight;

/// <summary>Both agents say what they see, and what an undo will need is captured. Changes nothing.</summary>
internal sealed class PreflightActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Preflight;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (record?.RelocationId is { } holder && !string.Equals(holder, request.RelocationId, StringComparison.Ordinal))
            throw new ActivityException(
                "lease-held", $"relocation {holder} holds the writer record of {held.App}; wait until it ended, or resume or abort it", retryable: false);
        var output = string.Equals(request.Cluster, request.Spec.Source, StringComparison.Ordinal)
            ? await LookAtSourceAsync(held, record, cancellationToken).ConfigureAwait(false)
            : await LookAtTargetAsync(held, request, record, cancellationToken).ConfigureAwait(false);
        return output with { HighestEpoch = records.Copy.HighestEpoch, Address = held.Cluster.Address };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());

    private static async Task<StepOutput> LookAtSourceAsync(HeldApp held, WriterRecord? record, CancellationToken cancellationToken)
    {
        var name = held.Cluster.Name;
        var app = await held.DemandAsync(cancellationToken).ConfigureAwait(false);
        if (app.State is not AppRunState.Running)
            throw new ActivityException("app-not-running", $"{held.App} does not run on {name} (it is {app.State.ToString().ToLowerInvariant()}); start it there first", retryable: false);
        if (record is not null && !Is(record.Writer, name))
            throw new ActivityException(
                "not-the-writer", $"the writer record of {held.App} names {record.Writer}, not {name}; check with 'relocate lease show {held.App}'", retryable: false);
        if (LeaseClaim.Read(held.Cluster, held.App) is { } claim && !Is(claim.RelocationId, held.RelocationId))
            throw LeaseClaim.Held(held.Cluster, held.App, claim);
        return new StepOutput();
    }

    private static async Task<StepOutput> LookAtTargetAsync(HeldApp held, ActivityRequest request, WriterRecord? record, CancellationToken cancellationToken)
    {
        var name = held.Cluster.Name;
        if (record is not null && Is(record.Writer, name))
            throw new ActivityException("target-is-writer", $"the writer record of {held.App} names {name} already; nothing is moved onto it", retryable: false);
        var app = await held.Cluster.FindAsync(held.App, cancellationToken).ConfigureAwait(false);
        if (app is { State: not AppRunState.Stopped })
            throw new ActivityException("app-runs-on-target", $"{held.App} runs on {name} already; stop it there first", retryable: false);
        return new StepOutput { DnsBefore = await AppRecordSet.Of(request.Spec).CaptureAsync(held.Environment, cancellationToken).ConfigureAwait(false) };
    }

    private static bool Is(string left, string right) => string.Equals(left, right, StringComparison.Ordinal);
}
