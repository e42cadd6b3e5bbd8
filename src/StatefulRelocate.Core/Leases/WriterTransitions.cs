using static StatefulRelocate.Core.Leases.WriterDecision;

namespace StatefulRelocate.Core.Leases;

/// <summary>
/// The only changes that the writer record knows, as pure functions of the record that was read. Each is then written under the
/// condition that the record is still that one. No change reads a clock.
/// </summary>
/// <param name="relocationId">The relocation that asks.</param>
/// <param name="epoch">The epoch that it took.</param>
public sealed class WriterTransitions(string relocationId, long epoch)
{
    /// <summary>source -> nobody, once the app there is silent. Only from the phase taken: after an undo a late fence loses.</summary>
    public WriterDecision Fence(WriterRecord? current, string source, string changeId) => Held(current, record => record switch
    {
        { Phase: RelocationPhase.Fenced, Writer: WriterRecord.Nobody } => new Already(record),
        { Phase: RelocationPhase.Taken } when Is(record, source) => Next(record, WriterRecord.Nobody, RelocationPhase.Fenced, changeId),
        _ => Refuse(record, $"to fence {source}"),
    });

    /// <summary>
    /// nobody -> source, before the source thaws or restarts. Where the record still says source, the phase becomes undone all the same,
    /// so that a late fence loses.
    /// </summary>
    public WriterDecision WinBack(WriterRecord? current, string source, string changeId) => Held(current, record => record switch
    {
        { Phase: RelocationPhase.Undone } when Is(record, source) => new Already(record),
        { Phase: RelocationPhase.Committed } => Refuse(record, $"to let {source} run again"),
        { Writer: WriterRecord.Nobody } => Next(record, source, RelocationPhase.Undone, changeId),
        _ when Is(record, source) => Next(record, source, RelocationPhase.Undone, changeId),
        _ => Refuse(record, $"to let {source} run again"),
    });

    /// <summary>nobody -> target, before its first process. Only from the phase fenced: after an undo a late start loses.</summary>
    public WriterDecision Start(WriterRecord? current, string target, string changeId) => Held(current, record => record switch
    {
        { Phase: RelocationPhase.Started } when Is(record, target) => new Already(record),
        { Phase: RelocationPhase.Fenced, Writer: WriterRecord.Nobody } => Next(record, target, RelocationPhase.Started, changeId),
        _ => Refuse(record, $"to start on {target}"),
    });

    /// <summary>Undone, whoever the writer is, so that a late start and a late commit lose. Never after committed.</summary>
    public WriterDecision MarkUndone(WriterRecord? current, string changeId) => Held(current, record => record switch
    {
        { Phase: RelocationPhase.Undone } => new Already(record),
        { Phase: RelocationPhase.Committed } => Refuse(record, "to undo the start"),
        _ => Next(record, record.Writer, RelocationPhase.Undone, changeId),
    });

    /// <summary>target -> nobody, after the app there is proved stopped, and after <see cref="MarkUndone"/>.</summary>
    public WriterDecision Stop(WriterRecord? current, string target, string changeId) => Held(current, record => record switch
    {
        { Phase: not RelocationPhase.Undone } => Refuse(record, $"to take it from {target}"),
        _ when Is(record, target) => Next(record, WriterRecord.Nobody, RelocationPhase.Undone, changeId),
        _ => new Already(record),
    });

    /// <summary>Committed, before the first DNS message. Only while the target is the writer and nothing was undone.</summary>
    public WriterDecision Commit(WriterRecord? current, string target, string changeId) => Held(current, record => record switch
    {
        { Phase: RelocationPhase.Committed } when Is(record, target) => new Already(record),
        { Phase: RelocationPhase.Started } when Is(record, target) => Next(record, target, RelocationPhase.Committed, changeId),
        _ => Refuse(record, $"to commit to {target}"),
    });

    /// <summary>
    /// Committed -> undone, the target still the writer: the one way back after the point of no return, for when it is certain that no
    /// client was sent to the target. Whoever calls this has that proof.
    /// </summary>
    public WriterDecision TakeBackCommit(WriterRecord? current, string target, string changeId) => Held(current, record => record switch
    {
        { Phase: RelocationPhase.Committed } when Is(record, target) => Next(record, target, RelocationPhase.Undone, changeId),
        { Phase: RelocationPhase.Committed } => Refuse(record, "to take the commit back"),
        _ => new Already(record),
    });

    /// <summary>The relocation leaves the record; writer and epoch stay. Refused while the writer is not the cluster expected.</summary>
    public WriterDecision Release(WriterRecord? current, string writer, string changeId) => current switch
    {
        null => new Refused(WriterRefusal.Missing, $"the writer record is missing; nothing to release for relocation {relocationId}"),
        _ when !IsHeld(current) => new Already(current),
        _ when !Is(current, writer) => Refuse(current, "to release it"),
        _ => new Write(current with { RelocationId = null, Phase = RelocationPhase.None, ChangeId = changeId }),
    };

    private WriterDecision Held(WriterRecord? current, Func<WriterRecord, WriterDecision> change) => current switch
    {
        null => new Refused(WriterRefusal.Missing, $"the writer record is missing although relocation {relocationId} took it; was the repository replaced?"),
        _ when !IsHeld(current) => new Refused(
            WriterRefusal.NotHeld,
            $"the writer record of {current.App} is held by {current.RelocationId ?? "no relocation"} at epoch {current.Epoch}, not by {relocationId} at epoch {epoch}"),
        _ => change(current),
    };

    private bool IsHeld(WriterRecord record) => record.Epoch == epoch && string.Equals(record.RelocationId, relocationId, StringComparison.Ordinal);

    private static bool Is(WriterRecord record, string cluster) => string.Equals(record.Writer, cluster, StringComparison.Ordinal);

    private static Write Next(WriterRecord record, string writer, RelocationPhase phase, string changeId)
        => new(record with { Writer = writer, Phase = phase, ChangeId = changeId });

    private static Refused Refuse(WriterRecord record, string what)
    {
        var refusal = record.Phase switch
        {
            RelocationPhase.Undone => WriterRefusal.Undone,
            RelocationPhase.Committed => WriterRefusal.Committed,
            _ when !Is(record, WriterRecord.Nobody) => WriterRefusal.OtherWriter,
            _ => WriterRefusal.OtherPhase,
        };
        var phase = record.Phase.ToString().ToLowerInvariant();
        return new Refused(refusal, $"the writer record of {record.App} does not allow {what}: writer {record.Writer}, phase {phase}");
    }
}
