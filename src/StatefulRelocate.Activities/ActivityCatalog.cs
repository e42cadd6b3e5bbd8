using StatefulRelocate.Activities.Blackout;
using StatefulRelocate.Activities.Cutover;
using StatefulRelocate.Activities.Dns;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Activities.Preflight;
using StatefulRelocate.Activities.Preparing;
using StatefulRelocate.Activities.Retiring;
using StatefulRelocate.Activities.Rounds;
using StatefulRelocate.Activities.TakingOver;
using StatefulRelocate.Activities.Volumes;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities;

/// <summary>All activities that an agent hosts, one for each kind of step that acts.</summary>
public static class ActivityCatalog
{
    /// <summary>Makes them for one agent.</summary>
    public static IReadOnlyList<IActivity> Create(IAgentEnvironment environment) => Create(environment, BootClock.Instance);

    internal static IReadOnlyList<IActivity> Create(IAgentEnvironment environment, IBootClock clock)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var restores = new RunningRestores();
        IActivity[] activities =
        [
            new PreflightActivity(environment),
            new LeaseActivity(environment),
            new PrepareActivity(environment),
            new SnapshotActivity(environment),
            new RestoreActivity(environment, restores, StepKind.Restore),
            new RollCallActivity(environment),
            new QuiesceActivity(environment, clock),
            new FenceActivity(environment),
            new FinalSnapshotActivity(environment),
            new RestoreActivity(environment, restores, StepKind.FinalRestore),
            new VerifyActivity(environment),
            new StartActivity(environment, restores, clock),
            new ReadyActivity(environment),
            new DnsSwitchActivity(environment),
            new DnsVerifyActivity(environment),
            new RetireActivity(environment),
            new ReleaseLeaseActivity(environment),
            new TakeOverActivity(environment),
        ];
        return [.. activities.Select(activity => new TypedFailures(activity))];
    }
}
