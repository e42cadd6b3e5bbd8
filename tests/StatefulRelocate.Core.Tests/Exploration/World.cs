using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Core.Tests.Exploration;

internal enum SourceApp
{
    Running,
    Silent,
    Gone,
}

internal enum Writer
{
    Source,
    Target,
    Nobody,
}

internal enum Guard
{
    Off,
    Armed,
    Expired,
}

/// <summary>One dispatch on its way: in transit, or running on its agent, or (a ghost) given up by the engine and still able to act.</summary>
internal readonly record struct Attempt(
    string Step, string Kind, bool OnSource, int Round, StepDirection Direction, long Sequence, int Position = 0,
    bool Delivered = false, bool Ghost = false, bool Cancelled = false, bool Stale = false, bool Unclear = false, bool Fused = false);

/// <summary>A conditional write to the writer record that left an agent and was not answered; it lands only if the record did not change since.</summary>
internal readonly record struct LatePut(Writer Writer, RelocationPhase Phase, bool Held);

/// <summary>
/// All that is outside of the machine, as small as it can be: two apps, two agents, the writer record, DNS, data versions. The source's version
/// grows whenever the app there may have acknowledged writes, so that a copy is complete exactly while the versions are equal.
/// </summary>
internal sealed class World
{
    public const int NoData = -1;

    public SourceApp Source = SourceApp.Running;
    public bool Fenced;
    public bool TargetRuns;
    public bool Sealed;
    public bool Prepared;
    public bool StartedMark;
    public bool Claim;
    public bool Held;
    public Writer Writer = Writer.Source;
    public RelocationPhase Phase = RelocationPhase.None;
    public bool DnsNew;
    public bool LateDnsToNew;
    public int SourceVersion;
    public int TargetVersion = NoData;
    public int[] Manifests = [.. Enumerable.Repeat(NoData, 16)];
    public bool TargetAcknowledged;
    public bool DeadlinePassed;
    public Guard SourceGuard;
    public Guard TargetGuard;
    public bool SourceClosedByUndo;
    public bool SourceClosedByGuard;
    public bool TargetClosedByUndo;
    public bool TargetClosedByGuard;
    public List<Attempt> Attempts = [];
    public List<LatePut> LatePuts = [];

    /// <summary>What an invariant has to say at once, or null.</summary>
    public string? Violation;

    public World Clone()
    {
        var copy = (World)MemberwiseClone();
        copy.Manifests = [.. Manifests];
        copy.Attempts = [.. Attempts];
        copy.LatePuts = [.. LatePuts];
        return copy;
    }

    public bool Closed(bool source) => source ? SourceClosedByUndo || SourceClosedByGuard : TargetClosedByUndo || TargetClosedByGuard;

    /// <summary>Every change of the record makes all writes fail that were conditional on what it was.</summary>
    public void Put(Writer writer, RelocationPhase phase, bool held)
    {
        (Writer, Phase, Held) = (writer, phase, held);
        LatePuts.Clear();
    }

    public void Thaw()
    {
        if (Source == SourceApp.Silent)
        {
            Source = SourceApp.Running;
            SourceVersion++;
        }
    }

    /// <summary>Looks at the world only, after every action.</summary>
    public string? Broken()
    {
        if (TargetRuns && DnsNew)
            TargetAcknowledged = true;
        if (Source == SourceApp.Running && TargetRuns)
            return "the app runs on both clusters";
        if (Source == SourceApp.Running && Fenced)
            return "the app runs on the source while its fence stands";
        return Violation;
    }

    /// <summary>What must hold from the end on, whatever still arrives late.</summary>
    public string? IllegalEnd(RelocationOutcome outcome)
    {
        if (outcome == RelocationOutcome.Completed)
        {
            if (!TargetRuns || !DnsNew || Writer != Writer.Target)
                return "completed, but the target does not serve";
            if (Source != SourceApp.Gone)
                return "completed, but the source was not retired";
            if (TargetVersion != SourceVersion)
                return "completed, but a write that the source acknowledged is lost";
            return Held || Claim ? "completed, but the lease is still held" : null;
        }
        if (Source != SourceApp.Running || Fenced || Writer != Writer.Source)
            return "undone, but the source does not serve";
        if (TargetRuns || DnsNew)
            return "undone, but clients are sent to the target";
        if (TargetAcknowledged)
            return "undone, but a write that the target acknowledged is lost";
        if (Prepared || Sealed || StartedMark)
            return "undone, but something of ours is left";
        return Held || Claim ? "undone, but the lease is still held" : null;
    }
}
