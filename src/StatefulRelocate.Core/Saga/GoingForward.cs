using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Core.Saga;

/// <summary>Decides while nothing is being undone: every step whose dependencies are met is dispatched, several at once.</summary>
internal static class GoingForward
{
    public static void Decide(SagaState state, CommandList commands)
    {
        var completed = true;
        foreach (var step in state.Steps)
        {
            if (step.Kind == StepKind.DnsSwitch && !state.PointOfNoReturn)
            {
                if (Dependencies.Met(state, step))
                    commands.Add(new PassPointOfNoReturn());
                return;
            }
            if (Dependencies.MayRun(state, step))
                commands.Run(step, StepDirection.Do);
            if (step.Kind == StepKind.Quiesce && MustStartTimer(state, step))
                commands.Add(new StartTimer(Blackout.Timer, Blackout.Left(state)));
            // Before the point of no return a broken step never gets here: folding it began the compensation.
            if (step.Do.Broken)
                Retries.Decide(state, step, StepDirection.Do, commands);
            completed &= step.Do.Status == RunStatus.Completed;
        }
        Retries.DecideAttention(state, commands);
        if (completed)
            commands.Add(new EndRelocation(RelocationOutcome.Completed, null));
    }

    private static bool MustStartTimer(SagaState state, StepState quiesce) =>
        (quiesce.Do.Dispatched || Dependencies.MayRun(state, quiesce)) && !state.PointOfNoReturn && state.Timer(Blackout.Timer) is null;
}
