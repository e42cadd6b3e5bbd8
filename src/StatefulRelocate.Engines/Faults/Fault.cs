using System.Globalization;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Engines.Faults;

/// <summary>What an injected fault does.</summary>
public enum FaultAction
{
    /// <summary>The step fails: for good before the point of no return, twice after it.</summary>
    Fail,

    /// <summary>The engine process kills itself with SIGKILL, once.</summary>
    Crash,
}

/// <summary>When an injected fault strikes.</summary>
public enum FaultTime
{
    /// <summary>Once the dispatch is committed, before the agent hears of it.</summary>
    Before,

    /// <summary>After the effect, before its event is committed.</summary>
    After,
}

/// <summary>A fault asked for with <c>--fail-at</c> or <c>--crash-at</c>.</summary>
/// <param name="Action">What it does.</param>
/// <param name="Step">A kind (its first occurrence) or a step's id, with its round.</param>
/// <param name="Time">When it strikes.</param>
public sealed record Fault(FaultAction Action, string Step, FaultTime Time)
{
    /// <summary>Reads <c>STEP[:before|:after]</c> and checks it against the plan.</summary>
    /// <exception cref="RelocateException">No such step, or no such time.</exception>
    public static Fault Parse(FaultAction action, string text, RelocationPlan plan)
    {
        var option = action == FaultAction.Fail ? "--fail-at" : "--crash-at";
        var colon = text.LastIndexOf(':');
        var step = colon < 0 ? text : text[..colon];
        var time = colon < 0 ? FaultTime.After : text[(colon + 1)..] switch
        {
            "before" => FaultTime.Before,
            "after" => FaultTime.After,
            var other => throw new RelocateException($"{option} {text}: '{other}' is no time; write {step}:before or {step}:after"),
        };
        foreach (var planned in plan.Steps)
            if (planned.Kind == step || planned.Id == step || planned.Fused.Contains(step) || IsRoundOf(planned, step))
                return new Fault(action, step, time);
        var kinds = plan.Steps.SelectMany(planned => planned.Fused.Insert(0, planned.Kind)).Distinct(StringComparer.Ordinal);
        throw new RelocateException($"{option} {text}: this plan has no step '{step}'; its kinds are: {string.Join(", ", kinds)}");
    }

    /// <summary>Whether it is meant for this step.</summary>
    internal bool Matches(string kind, string id) => string.Equals(Step, kind, StringComparison.Ordinal) || string.Equals(Step, id, StringComparison.Ordinal);

    // The machine numbers the steps of a round: snapshot-2 is of the plan's snapshot. Other steps have no number, and 02 is not how it writes one.
    private static bool IsRoundOf(PlannedStep planned, string step) =>
        StepKind.IsRound(planned.Kind) && step.StartsWith(planned.Id + "-", StringComparison.Ordinal)
        && step.AsSpan(planned.Id.Length + 1) is [>= '1' and <= '9', ..] number && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
