using StatefulRelocate.Core.Leases;

namespace StatefulRelocate.Core.Tests.Leases;

/// <summary>Every change against every record there can be: the whole table, not a sample.</summary>
public sealed class WriterTransitionsTests
{
    private const string A = "edge-a";
    private const string B = "edge-b";
    private const string Nobody = WriterRecord.Nobody;
    private const string Us = "r-1";
    private const long Epoch = 7;
    private const string Fresh = "fresh";

    private static readonly WriterTransitions Ours = new(Us, Epoch);

    private static readonly RelocationPhase[] Phases = Enum.GetValues<RelocationPhase>();

    public static TheoryData<string, RelocationPhase> Held()
    {
        var data = new TheoryData<string, RelocationPhase>();
        foreach (var writer in new[] { A, B, Nobody })
            foreach (var phase in Phases)
                data.Add(writer, phase);
        return data;
    }

    [Theory]
    [MemberData(nameof(Held))]
    public void A_fence_is_set_only_while_the_source_is_the_writer_in_the_phase_taken(string writer, RelocationPhase phase)
        => Expect(Ours.Fence(Record(writer, phase), A, Fresh), (writer, phase) switch
        {
            (A, RelocationPhase.Taken) => (Nobody, RelocationPhase.Fenced),
            (Nobody, RelocationPhase.Fenced) => Already,
            _ => Refused,
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void The_source_wins_the_record_back_from_nobody_and_from_itself_but_never_from_the_target(string writer, RelocationPhase phase)
        => Expect(Ours.WinBack(Record(writer, phase), A, Fresh), (writer, phase) switch
        {
            (A, RelocationPhase.Undone) => Already,
            (_, RelocationPhase.Committed) => Refused,
            (B, _) => Refused,
            _ => (A, RelocationPhase.Undone),
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void The_target_starts_only_from_nobody_in_the_phase_fenced(string writer, RelocationPhase phase)
        => Expect(Ours.Start(Record(writer, phase), B, Fresh), (writer, phase) switch
        {
            (Nobody, RelocationPhase.Fenced) => (B, RelocationPhase.Started),
            (B, RelocationPhase.Started) => Already,
            _ => Refused,
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void Undone_is_marked_in_every_phase_but_committed_and_moves_no_writer(string writer, RelocationPhase phase)
        => Expect(Ours.MarkUndone(Record(writer, phase), Fresh), phase switch
        {
            RelocationPhase.Undone => Already,
            RelocationPhase.Committed => Refused,
            _ => (writer, RelocationPhase.Undone),
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void The_target_gives_the_record_up_only_after_undone_was_marked(string writer, RelocationPhase phase)
        => Expect(Ours.Stop(Record(writer, phase), B, Fresh), (writer, phase) switch
        {
            (B, RelocationPhase.Undone) => (Nobody, RelocationPhase.Undone),
            (_, RelocationPhase.Undone) => Already,
            _ => Refused,
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void A_commit_is_won_only_while_the_target_is_the_writer_and_nothing_was_undone(string writer, RelocationPhase phase)
        => Expect(Ours.Commit(Record(writer, phase), B, Fresh), (writer, phase) switch
        {
            (B, RelocationPhase.Started) => (B, RelocationPhase.Committed),
            (B, RelocationPhase.Committed) => Already,
            _ => Refused,
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void A_commit_is_taken_back_into_undone_with_the_target_still_the_writer(string writer, RelocationPhase phase)
        => Expect(Ours.TakeBackCommit(Record(writer, phase), B, Fresh), (writer, phase) switch
        {
            (B, RelocationPhase.Committed) => (B, RelocationPhase.Undone),
            (_, RelocationPhase.Committed) => Refused,
            _ => Already,
        });

    [Theory]
    [MemberData(nameof(Held))]
    public void A_release_keeps_writer_and_epoch_and_is_refused_for_another_writer(string writer, RelocationPhase phase)
    {
        var transition = Ours.Release(Record(writer, phase), A, Fresh);
        if (writer != A)
        {
            Assert.IsType<WriterDecision.Refused>(transition);
            return;
        }

        Assert.Equal(
            new WriterRecord { App = "web", Epoch = Epoch, RelocationId = null, Writer = A, Phase = RelocationPhase.None, ChangeId = Fresh },
            Assert.IsType<WriterDecision.Write>(transition).Next);
    }

    [Fact]
    public void Whoever_does_not_hold_the_record_changes_nothing()
    {
        foreach (var writer in new[] { A, B, Nobody })
            foreach (var phase in Phases)
            {
                WriterRecord?[] foreign =
                [
                    null,
                    Record(writer, phase) with { RelocationId = "r-2" },
                    Record(writer, phase) with { RelocationId = null },
                    Record(writer, phase) with { Epoch = Epoch + 1 },
                    Record(writer, phase) with { Epoch = Epoch - 1 },
                ];
                foreach (var record in foreign)
                    Assert.All(All(record), transition => Assert.IsType<WriterDecision.Refused>(transition));
            }
    }

    [Fact]
    public void Nothing_follows_undone_but_what_leads_back_to_the_source()
    {
        foreach (var writer in new[] { A, B, Nobody })
            foreach (var transition in All(Record(writer, RelocationPhase.Undone)))
                if (transition is WriterDecision.Write(var next))
                    Assert.True(next.Phase == RelocationPhase.Undone && next.Writer is A or Nobody, $"{next}");
    }

    [Fact]
    public void Taking_raises_the_epoch_above_the_record_and_both_agents()
    {
        Assert.Equal(1, Taken(null, 0).Epoch);
        Assert.Equal(12, Taken(null, 11).Epoch);
        Assert.Equal(8, Taken(Released(A), 3).Epoch);
        Assert.Equal(10, Taken(Released(A), 9).Epoch);
        Assert.Equal((Us, A, RelocationPhase.Taken, Fresh), Taken(Released(A), 3) is var t ? (t.RelocationId!, t.Writer, t.Phase, t.ChangeId) : default);
    }

    [Fact]
    public void Taking_twice_finds_the_first_unless_an_agent_saw_a_higher_epoch()
    {
        Assert.IsType<WriterDecision.Already>(Take(Record(A, RelocationPhase.Taken), Epoch - 1));
        Assert.Equal(Epoch + 1, Taken(Record(A, RelocationPhase.Taken), Epoch).Epoch);
    }

    [Fact]
    public void The_record_is_not_taken_from_another_relocation_from_another_writer_or_after_an_undo()
    {
        Assert.Equal(WriterRefusal.NotHeld, Refusal(Take(Record(A, RelocationPhase.Taken) with { RelocationId = "r-2" }, 0)));
        Assert.Equal(WriterRefusal.OtherWriter, Refusal(Take(Released(B), 0)));
        Assert.Equal(WriterRefusal.OtherWriter, Refusal(Take(Released(Nobody), 0)));
        Assert.Equal(WriterRefusal.Undone, Refusal(Take(Record(A, RelocationPhase.Undone), 0)));
    }

    [Fact]
    public void Forestalling_makes_a_late_take_lose_and_leaves_the_writer()
    {
        var first = Assert.IsType<WriterDecision.Write>(WriterClaims.Forestall(null, "web", A, 4, Fresh)).Next;
        Assert.Equal((5L, A, null, RelocationPhase.None), (first.Epoch, first.Writer, first.RelocationId, first.Phase));
        var raised = Assert.IsType<WriterDecision.Write>(WriterClaims.Forestall(Released(B), "web", A, 4, Fresh)).Next;
        Assert.Equal((Epoch + 1, B), (raised.Epoch, raised.Writer));
        Assert.IsType<WriterDecision.Already>(WriterClaims.Forestall(Record(A, RelocationPhase.Taken), "web", A, 4, Fresh));
    }

    [Fact]
    public void Breaking_raises_the_epoch_and_ends_whoever_held_the_record()
    {
        var broken = Assert.IsType<WriterDecision.Write>(WriterClaims.Break(Record(Nobody, RelocationPhase.Fenced), "web", A, 20, Fresh)).Next;
        Assert.Equal((21L, A, null, RelocationPhase.None), (broken.Epoch, broken.Writer, broken.RelocationId, broken.Phase));
        Assert.All(All(broken), transition => Assert.IsType<WriterDecision.Refused>(transition));
    }

    private static (string, RelocationPhase)? Already => ("already", default);

    private static (string, RelocationPhase)? Refused => null;

    private static void Expect(WriterDecision transition, (string Writer, RelocationPhase Phase)? expected)
    {
        if (expected is not var (writer, phase))
            Assert.False(string.IsNullOrWhiteSpace(Assert.IsType<WriterDecision.Refused>(transition).Message));
        else if (writer == "already")
            Assert.IsType<WriterDecision.Already>(transition);
        else
            Assert.Equal(
                new WriterRecord { App = "web", Epoch = Epoch, RelocationId = Us, Writer = writer, Phase = phase, ChangeId = Fresh },
                Assert.IsType<WriterDecision.Write>(transition).Next);
    }

    private static WriterDecision[] All(WriterRecord? record) =>
    [
        Ours.Fence(record, A, Fresh), Ours.WinBack(record, A, Fresh), Ours.Start(record, B, Fresh), Ours.MarkUndone(record, Fresh),
        Ours.Stop(record, B, Fresh), Ours.Commit(record, B, Fresh), Ours.TakeBackCommit(record, B, Fresh),
    ];

    private static WriterDecision Take(WriterRecord? record, long seen) => WriterClaims.Take(record, "web", Us, A, seen, Fresh);

    private static WriterRecord Taken(WriterRecord? record, long seen) => Assert.IsType<WriterDecision.Write>(Take(record, seen)).Next;

    private static WriterRefusal Refusal(WriterDecision transition) => Assert.IsType<WriterDecision.Refused>(transition).Refusal;

    private static WriterRecord Released(string writer) => Record(writer, RelocationPhase.None) with { RelocationId = null };

    private static WriterRecord Record(string writer, RelocationPhase phase) => new()
    {
        App = "web",
        Epoch = Epoch,
        RelocationId = Us,
        Writer = writer,
        Phase = phase,
        ChangeId = "old",
    };
}
