using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Activities.Rounds;

/// <summary>Progress of the data path as heartbeats, in order and at once.</summary>
internal sealed class HeartbeatProgress(ActivityContext context) : IProgress<ActivityProgress>
{
    public void Report(ActivityProgress value) => context.Heartbeat(value);
}
