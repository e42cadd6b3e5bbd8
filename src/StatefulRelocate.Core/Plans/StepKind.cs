using System.Collections.Immutable;

namespace StatefulRelocate.Core.Plans;

/// <summary>The kinds of steps of a relocation, in their usual order. Names are what users type after <c>--fail-at</c>.</summary>
public static class StepKind
{
    /// <summary>Both agents say what they see, and what an undo will need is captured. Changes nothing.</summary>
    public const string Preflight = "preflight";

    /// <summary>Takes the writer record for this relocation and raises the epoch.</summary>
    public const string Lease = "lease";

    /// <summary>The source seals the app definition into the repository; the target makes its volumes.</summary>
    public const string Prepare = "prepare";

    /// <summary>One live snapshot on the source (a pre-copy round).</summary>
    public const string Snapshot = "snapshot";

    /// <summary>The warm restore of a pre-copy round on the target; runs beside its snapshot.</summary>
    public const string Restore = "restore";

    /// <summary>Waits for a person's approval. No activity runs.</summary>
    public const string Gate = "gate";

    /// <summary>Right before the blackout: agents, store and DNS server answer, and the app's settle hook runs.</summary>
    public const string RollCall = "roll-call";

    /// <summary>The app on the source stops, or is frozen. The blackout begins.</summary>
    public const string Quiesce = "quiesce";

    /// <summary>Proof that the source cannot write any more; the writer becomes nobody.</summary>
    public const string Fence = "fence";

    /// <summary>The last delta is taken from the silent source.</summary>
    public const string FinalSnapshot = "final-snapshot";

    /// <summary>The last delta is applied on the target; dispatched before quiesce, waits for the packs.</summary>
    public const string FinalRestore = "final-restore";

    /// <summary>The root of the hash tree over the target's bytes equals the sealed manifest's.</summary>
    public const string Verify = "verify";

    /// <summary>The target becomes the writer, then the app starts there.</summary>
    public const string Start = "start";

    /// <summary>The app on the target answers its readiness probe; its started hook has run.</summary>
    public const string Ready = "ready";

    /// <summary>The record set is replaced, on condition that it is still the captured one. Past the point of no return.</summary>
    public const string DnsSwitch = "dns-switch";

    /// <summary>The DNS server answers the new record set.</summary>
    public const string DnsVerify = "dns-verify";

    /// <summary>The source's app is killed and labelled; its volumes are kept for the retention.</summary>
    public const string Retire = "retire";

    /// <summary>The relocation leaves the writer record; writer and epoch stay.</summary>
    public const string ReleaseLease = "release-lease";

    /// <summary>
    /// Takes over what an earlier run of the same relocation left: raises the epoch, and reads the writer record and what the agents remember. Stands in no
    /// plan; the machine adds it (<see cref="Saga.TakeOverBegan"/>).
    /// </summary>
    public const string TakeOver = "take-over";

    /// <summary>All kinds of a plan, in their usual order.</summary>
    public static ImmutableArray<string> All { get; } =
    [
        Preflight, Lease, Prepare, Snapshot, Restore, Gate, RollCall, Quiesce, Fence, FinalSnapshot, FinalRestore,
        Verify, Start, Ready, DnsSwitch, DnsVerify, Retire, ReleaseLease,
    ];

    /// <summary>Whether the plan has the kind once and the machine numbers its steps, one for each pre-copy round.</summary>
    public static bool IsRound(string kind) => kind is Snapshot or Restore;

    /// <summary>
    /// Whether the kind comes after the point of no return. A relocation that is closed on an agent (by its blackout guard) refuses and cancels no step of
    /// such a kind: each is conditional on the writer record, which decides between it and the guard, and tells for certain what a refusal could not.
    /// </summary>
    public static bool IsPastPointOfNoReturn(string kind) => kind is DnsSwitch or DnsVerify or Retire or ReleaseLease;
}
