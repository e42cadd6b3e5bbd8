using System.Globalization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// Predicts the blackout of a cutover from the last round, as live migration of virtual machines does.
/// <code>
/// took       = the slower side's duration of the last round (they run side by side)
/// throughput = bytes changed / took
/// dirty rate = bytes changed / time since the round before began
/// delta      = dirty rate * took                what changes until the app is quiesced
/// predicted  = fixed cost + max(delta, bytes changed) / throughput
///            = fixed cost + took * max(1, took / time since the round before)
/// </code>
/// The final round is never predicted faster than the last one: part of a round is walking the tree, which no small delta saves. Only where the final round reads
/// by changed ranges, and the last one read everything to check them, is it what that one says of itself (<see cref="RoundFigures.FinalDuration"/>). After the first
/// round nothing is known of the dirty rate, so everything is taken as changed again: <c>fixed cost + took</c>.
/// </summary>
internal static class Convergence
{
    /// <summary>Quiesce, fence, verify, start and ready of a small app on one machine; measured, rounded up.</summary>
    public static readonly TimeSpan FixedCost = TimeSpan.FromMilliseconds(100);

    public static TimeSpan Predict(SagaState state, int round)
    {
        var snapshot = Figures(state, StepKind.Snapshot, round);
        var took = Max(Duration(state, StepKind.Snapshot, round), Duration(state, StepKind.Restore, round));
        var growth = snapshot?.SincePrevious is { } since && since > TimeSpan.Zero && since < took ? took / since : 1;
        return FixedCost + took * Math.Min(growth, 1000);
    }

    /// <summary>Rounds are counted from the last hold: what was copied before a gate that stood open for days tells nothing.</summary>
    public static PreCopyVerdict Judge(SagaState state, int round)
    {
        var cutover = state.Plan.Spec.Cutover;
        var rounds = 0;
        for (var past = 1; past <= round; past++)
            rounds += PreCopy.IsFresh(state, past) ? 1 : 0;
        if (rounds == 0)
            return PreCopyVerdict.AnotherRound;
        if (Predict(state, round) <= cutover.MaxDowntime)
            return PreCopyVerdict.Converged;
        if (rounds < cutover.MaxRounds && (rounds == 1 || Gains(state, round, cutover.MinimumGain)))
            return PreCopyVerdict.AnotherRound;
        return cutover.OnNoConvergence == NoConvergencePolicy.CutoverAnyway ? PreCopyVerdict.CutoverAnyway : PreCopyVerdict.GiveUp;
    }

    public static string Explain(SagaState state, int round) => string.Create(
        CultureInfo.InvariantCulture,
        $"pre-copy does not converge: after round {round} the predicted downtime is {state.PredictedDowntime?.TotalMilliseconds:0} ms, the budget maxDowntime is {state.Plan.Spec.Cutover.MaxDowntime.TotalMilliseconds:0} ms; raise the budget, move at a quieter time or set onNoConvergence: cutover-anyway");

    private static bool Gains(SagaState state, int round, double minimumGain)
    {
        var before = Figures(state, StepKind.Snapshot, round - 1)?.BytesShipped ?? 0;
        var now = Figures(state, StepKind.Snapshot, round)?.BytesShipped ?? 0;
        return now <= before * (1 - minimumGain);
    }

    private static TimeSpan Duration(SagaState state, string kind, int round)
    {
        if (Figures(state, kind, round) is { } figures)
            return figures.FinalDuration ?? figures.Duration;
        var run = state.OfRound(kind, round)?.Do;
        return run is { StartedAt: { } started, EndedAt: { } ended } && ended > started ? ended - started : TimeSpan.Zero;
    }

    private static RoundFigures? Figures(SagaState state, string kind, int round) => state.OfRound(kind, round)?.Do.Output?.Figures;

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
