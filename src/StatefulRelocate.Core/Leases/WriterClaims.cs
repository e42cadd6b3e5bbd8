using static StatefulRelocate.Core.Leases.WriterDecision;

namespace StatefulRelocate.Core.Leases;

/// <summary>How the writer record gets a new holder: each of these raises the epoch above all that was seen.</summary>
public static class WriterClaims
{
    /// <summary>Takes the record for a relocation away from <paramref name="source"/>, which must be the writer or the app's first known home.</summary>
    /// <param name="current">The record, or null when the app never had one.</param>
    /// <param name="app">The app.</param>
    /// <param name="relocationId">The relocation.</param>
    /// <param name="source">The cluster that runs the app.</param>
    /// <param name="highestEpoch">The highest epoch that either agent has seen.</param>
    /// <param name="changeId">A fresh id.</param>
    public static WriterDecision Take(WriterRecord? current, string app, string relocationId, string source, long highestEpoch, string changeId)
    {
        if (current is null)
            return new Write(Taken(app, relocationId, source, highestEpoch + 1, changeId));
        if (current.RelocationId is not null && !string.Equals(current.RelocationId, relocationId, StringComparison.Ordinal))
            return new Refused(
                WriterRefusal.NotHeld,
                $"relocation {current.RelocationId} holds the writer record of {app}; wait until it ended, or resume or abort it");
        if (!string.Equals(current.Writer, source, StringComparison.Ordinal))
            return new Refused(
                WriterRefusal.OtherWriter,
                $"the writer record of {app} names {current.Writer}, not {source}; check with 'relocate lease show {app}'");
        if (current.RelocationId is not null && current.Phase is not RelocationPhase.Taken)
            return new Refused(WriterRefusal.Undone, $"relocation {relocationId} of {app} was undone before; start a new one");
        return current.RelocationId is not null && current.Epoch > highestEpoch
            ? new Already(current)
            : new Write(Taken(app, relocationId, source, Math.Max(current.Epoch, highestEpoch) + 1, changeId));
    }

    /// <summary>
    /// Makes a late take lose although this relocation never took the record: its put carries the condition on what it read, so
    /// any write will do; this one keeps the writer and raises the epoch.
    /// </summary>
    public static WriterDecision Forestall(WriterRecord? current, string app, string source, long highestEpoch, string changeId)
        => current switch
        {
            null => new Write(Free(app, source, highestEpoch + 1, changeId)),
            { RelocationId: not null } => new Already(current),
            _ => new Write(Free(app, current.Writer, Math.Max(current.Epoch, highestEpoch) + 1, changeId)),
        };

    /// <summary>
    /// A new run of a relocation takes the record over from an earlier one of the same: the epoch is raised, writer and phase stay. A record that the relocation
    /// does not hold is left as it is.
    /// </summary>
    /// <returns>A write, what is there already, or a refusal where there is no record.</returns>
    public static WriterDecision TakeOver(WriterRecord? current, string relocationId, long highestEpoch, string changeId) => current switch
    {
        null => new Refused(WriterRefusal.Missing, $"there is no writer record that relocation {relocationId} could take over"),
        _ when !string.Equals(current.RelocationId, relocationId, StringComparison.Ordinal) => new Already(current),
        _ => new Write(current with { Epoch = Math.Max(current.Epoch, highestEpoch) + 1, ChangeId = changeId }),
    };

    /// <summary>An operator's word: whoever held the record has lost it, and <paramref name="writer"/> is the writer.</summary>
    public static WriterDecision Break(WriterRecord? current, string app, string writer, long highestEpoch, string changeId)
        => new Write(Free(app, writer, Math.Max(current?.Epoch ?? 0, highestEpoch) + 1, changeId));

    private static WriterRecord Taken(string app, string relocationId, string source, long epoch, string changeId) => new()
    {
        App = app,
        Epoch = epoch,
        RelocationId = relocationId,
        Writer = source,
        Phase = RelocationPhase.Taken,
        ChangeId = changeId,
    };

    private static WriterRecord Free(string app, string writer, long epoch, string changeId) => new()
    {
        App = app,
        Epoch = epoch,
        Writer = writer,
        Phase = RelocationPhase.None,
        ChangeId = changeId,
    };
}
