using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Dns;

namespace StatefulRelocate.Activities.Dns;

/// <summary>
/// Commits the record, then replaces the captured record set by the one that names the target. The way back exists only while it is
/// certain that no client was sent to the target.
/// </summary>
internal sealed class DnsSwitchActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.DnsSwitch;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        var parts = new StepParts(environment.Time);
        var before = Before(request);
        using (await held.LockAsync(cancellationToken).ConfigureAwait(false))
        {
            var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
            var record = await parts.TimeAsync("commit", () => CommitAsync(held, records, cancellationToken)).ConfigureAwait(false);
            records.Keep(record, records.Copy.Fenced);
            BlackoutDeadline.Disarm(held.Cluster, held.App, request.RelocationId);
        }

        await parts.TimeAsync("swap", () => SwapAsync(held, AppRecordSet.Of(request.Spec), before, cancellationToken)).ConfigureAwait(false);
        return new StepOutput { Parts = parts.ToImmutable() };
    }

    /// <summary>Takes the commit back, only while every authoritative server still gives the old set and no message is unanswered.</summary>
    public async Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var held = new HeldApp(environment, request);
        var before = Before(request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (record is { Phase: RelocationPhase.Committed })
        {
            var all = await AskAsync(AppRecordSet.Of(request.Spec), cancellationToken).ConfigureAwait(false);
            if (Outstanding(held) > 0 || !all.All(before.Equals))
                throw new ActivityException(
                    "dns-switched", $"clients may have been sent to {held.Cluster.Name}; taking the app from there would lose what they wrote", retryable: false);
        }

        await records.DemandAsync(
            (current, changeId) => held.Transitions.TakeBackCommit(current, held.Cluster.Name, changeId), cancellationToken).ConfigureAwait(false);
        DurableFile.Delete(PathOfAttempts(held));
        return new StepOutput();
    }

    private static async Task<WriterRecord> CommitAsync(HeldApp held, WriterRecords records, CancellationToken cancellationToken)
        => await records.ChangeAsync((current, changeId) => held.Transitions.Commit(current, held.Cluster.Name, changeId), cancellationToken).ConfigureAwait(false) switch
        {
            WriterDecision.Write(var next) => next,
            WriterDecision.Already(var current) => current,
            // Who lost the record altogether cannot tell what became of an earlier commit.
            WriterDecision.Refused { Refusal: WriterRefusal.NotHeld or WriterRefusal.Missing } gone => throw new ActivityException(FailureCode.Superseded, gone.Message, retryable: false),
            WriterDecision.Refused lost => throw new ActivityException(
                new StepFailure { Code = FailureCode.CommitLost, Message = lost.Message, Retryable = false, CertainlyNoEffect = true }),
            _ => throw new InvalidOperationException("unknown transition"),
        };

    private async Task SwapAsync(HeldApp held, AppRecordSet name, DnsRecordSet before, CancellationToken cancellationToken)
    {
        var next = name.At(held.Cluster.Address);
        var outstanding = Outstanding(held);
        Count(held, outstanding + 1);
        DnsSwap swap;
        try
        {
            swap = await name.SwapAsync(environment, before, next, cancellationToken).ConfigureAwait(false);
        }
        catch (DnsException refusal) when (!refusal.Unanswered)
        {
            Count(held, outstanding);
            await JudgeAsync(name, before, next, outstanding, refusal, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (swap.Replaced)
            return;
        Count(held, outstanding);
        await JudgeAsync(name, before, next, outstanding, refusal: null, cancellationToken).ConfigureAwait(false);
    }

    // The server refused. What the authoritative servers give now says whether that was success, harmless, or somebody else's hand.
    private async Task JudgeAsync(AppRecordSet name, DnsRecordSet before, DnsRecordSet next, int outstanding, DnsException? refusal, CancellationToken cancellationToken)
    {
        var sets = await AskAsync(name, cancellationToken).ConfigureAwait(false);
        if (sets.All(next.Equals))
            return;
        if (sets.All(before.Equals))
            throw new ActivityException(
                new StepFailure
                {
                    Code = "dns-refused",
                    Message = $"the DNS server refused to replace {name.FullName} and still gives the old records" + (refusal is null ? string.Empty : $": {refusal.Message}"),
                    Retryable = outstanding > 0,
                    CertainlyNoEffect = outstanding == 0,
                },
                refusal);
        throw new ActivityException(
            "dns-foreign-set",
            $"{name.FullName} has records that this relocation did not expect ({string.Join(", ", sets.Select(Show).Distinct(StringComparer.Ordinal))}); set them to {Show(next)} and resume",
            retryable: false,
            refusal);
    }

    private async Task<List<DnsRecordSet>> AskAsync(AppRecordSet name, CancellationToken cancellationToken)
    {
        var sets = new List<DnsRecordSet>();
        foreach (var answer in await name.AskAsync(environment, cancellationToken).ConfigureAwait(false))
            sets.Add(answer.RecordSet ?? throw new ActivityException("dns-unanswered", $"DNS server {answer.Server} does not answer for {name.FullName}"));
        return sets.Count > 0 ? sets : throw new ActivityException("dns-unanswered", $"no DNS server answers for {name.FullName}");
    }

    private static DnsRecordSet Before(ActivityRequest request) => request.Captured("preflight-target")?.DnsBefore ?? request.Captured("lease")?.DnsBefore
        ?? throw new ActivityException("dns-not-captured", "the record set before the move was not captured; DNS is left as it is", retryable: false);

    private static string Show(DnsRecordSet set) => set.Records.IsEmpty ? "none" : $"{string.Join(" ", set.Records)} ttl {set.Ttl.TotalSeconds:0}s";

    private static int Outstanding(HeldApp held)
    {
        var attempts = DurableFile.Read(PathOfAttempts(held), AgentFiles.Default.DnsAttempts);
        return string.Equals(attempts?.RelocationId, held.RelocationId, StringComparison.Ordinal) ? attempts!.Unanswered : 0;
    }

    private static void Count(HeldApp held, int unanswered)
        => DurableFile.Write(PathOfAttempts(held), new DnsAttempts(held.RelocationId, unanswered), AgentFiles.Default.DnsAttempts);

    private static string PathOfAttempts(HeldApp held) => Path.Combine(held.Cluster.AppDirectory(held.App), "dns-attempts.json");
}
