using System.Diagnostics;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.EndToEnd.Tests.Programs;

namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>A process of the Temporal engine is killed with SIGKILL in the middle of a move of a real app.</summary>
[Collection(TemporalCollection.Name)]
public sealed class TemporalKillTests
{
    public static TheoryData<string, string> Kills()
    {
        var kills = new TheoryData<string, string>();
        string[] moments = RelocateProgram.Long
            ? ["settle", "quiesce", "started", StepKind.Preflight, StepKind.Lease, StepKind.Prepare, StepKind.Snapshot, StepKind.Restore, StepKind.RollCall, StepKind.Start, StepKind.DnsSwitch, StepKind.DnsVerify, StepKind.Retire, StepKind.ReleaseLease]
            : ["quiesce", "started"];
        string[] victims = RelocateProgram.Long
            ? [TemporalWorld.Server, TemporalWorld.SourceAgent, TemporalWorld.TargetAgent, TemporalWorld.Temporal]
            : [TemporalWorld.Server, TemporalWorld.SourceAgent, TemporalWorld.Temporal];
        foreach (var victim in victims)
            foreach (var moment in moments)
                kills.Add(victim, moment);
        return kills;
    }

    [Theory]
    [MemberData(nameof(Kills))]
    public async Task What_is_killed_and_started_again_leaves_a_legal_end_and_no_write_is_lost(string victim, string moment)
    {
        await using var world = await TemporalWorld.CreateAsync(TimeSpan.FromSeconds(20));
        using var run = world.Begin();
        await world.ReachesAsync(run, moment);

        var killed = Stopwatch.GetTimestamp();
        await world.KillAsync(victim);
        await world.StartAgainAsync(victim);

        await world.EndsLegallyAsync();
        TestContext.Current.SendDiagnosticMessage("{0} killed at {1}: all over {2:0.0} s later", victim, moment, Stopwatch.GetElapsedTime(killed).TotalSeconds);
    }
}
