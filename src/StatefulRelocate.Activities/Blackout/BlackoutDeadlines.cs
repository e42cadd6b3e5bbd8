using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Activities.Blackout;

/// <summary>Makes deadlines from what the engine says is left.</summary>
internal static class BlackoutDeadlines
{
    public static BlackoutDeadline Of(ActivityRequest request, BlackoutRole role, IBootClock clock) => new()
    {
        App = request.Spec.App,
        RelocationId = request.RelocationId,
        Epoch = request.Epoch,
        Role = role,
        Repository = request.Spec.Repository,
        BootId = clock.BootId,
        DeadlineMs = clock.NowMs + (long)(request.BlackoutLeft ?? request.Spec.Cutover.MaxBlackout).TotalMilliseconds,
    };
}
