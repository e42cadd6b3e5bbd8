using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.TakingOver;

/// <summary>
/// A new run of a relocation raises the epoch in the writer record, so that nothing of the earlier run can change it any more, and says what the record is. The
/// record's writer and phase stay what they are. Effects of the earlier run were ended before this acts.
/// </summary>
internal sealed class TakeOverActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.TakeOver;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var copy = records.Copy;
        var record = await records.ChangeAsync(
            (current, changeId) => WriterClaims.TakeOver(current, held.RelocationId, copy.HighestEpoch, changeId), cancellationToken).ConfigureAwait(false) switch
        {
            WriterDecision.Write(var next) => next,
            WriterDecision.Already(var current) => current,
            _ => null,
        };
        var isHeld = record is not null && string.Equals(record.RelocationId, held.RelocationId, StringComparison.Ordinal);
        // Where this cluster never heard of the relocation, there is nothing to bring up to date.
        if (isHeld && string.Equals(copy.Record?.RelocationId, held.RelocationId, StringComparison.Ordinal))
            records.Keep(record!, copy.Fenced);
        return new StepOutput
        {
            Epoch = isHeld ? record!.Epoch : null,
            TakenOver = new TakenOver { Held = isHeld, Writer = record?.Writer, Phase = record?.Phase ?? RelocationPhase.None },
        };
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
