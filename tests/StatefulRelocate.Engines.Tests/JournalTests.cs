using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Faults;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Tests;

/// <summary>The journal: who writes first wins, and what is written stays.</summary>
public sealed class JournalTests : IDisposable
{
    private const string Id = "shop-a-b-1";

    private readonly TemporaryDirectory _directory = new();

    private string FilePath => _directory.File("journal/relocations.db");

    [Fact]
    public void What_is_appended_is_read_again_in_order_by_whoever_opens_it()
    {
        var faults = new[] { new Fault(FaultAction.Fail, "verify", FaultTime.Before) };
        using (var journal = RelocationJournal.Open(FilePath))
        {
            journal.Create(Plans.Short(), faults);
            Assert.True(journal.Append(Id, 0, [Started(1), Completed(1)], new JournaledAttempt(1, 1, null)));
            Assert.True(journal.Append(Id, 2, [Started(2)]));
        }

        using var again = RelocationJournal.Open(FilePath);
        Assert.Equal([1, 2, 3], again.Read(Id).Select(journaled => journaled.Sequence));
        Assert.Equal([Started(2)], again.Read(Id, after: 2).Select(journaled => journaled.Event));
        Assert.Equal([new JournaledAttempt(1, 1, null)], again.ReadAttempts(Id));
        Assert.Equal([new JournaledFault(faults[0], null, 0, null, null)], again.ReadFaults(Id));
        Assert.Equal(Id, Assert.Single(again.List()).Id);
        Assert.Equal([Id], again.ListOpen());
        Assert.Null(again.Find("other"));
    }

    [Fact]
    public void A_signal_that_came_first_turns_the_engines_append_away_with_everything_in_it()
    {
        using var engine = RelocationJournal.Open(FilePath);
        using var person = RelocationJournal.Open(FilePath);
        engine.Create(Plans.Short());
        var version = engine.ReadDataVersion();

        var signal = person.Signal(Id, new Abort("enough"));

        Assert.NotEqual(version, engine.ReadDataVersion());
        Assert.False(engine.Append(Id, 0, [Started(1)], new JournaledAttempt(1, 1, null)));
        Assert.Empty(engine.ReadAttempts(Id));
        var received = Assert.IsType<SignalReceived>(Assert.Single(engine.Read(Id)).Event);
        Assert.Equal((signal, new Abort("enough")), (received.SignalId, received.Signal));
        Assert.True(engine.Append(Id, 1, [Started(1)]));
    }

    [Fact]
    public async Task Two_connections_that_append_at_once_never_take_the_same_place()
    {
        using var first = RelocationJournal.Open(FilePath);
        first.Create(Plans.Short());
        var won = 0;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using var journal = RelocationJournal.Open(FilePath);
            for (var tries = 0; tries < 25; tries++)
                if (journal.Append(Id, journal.Read(Id).Count, [Started(1), Completed(1)]))
                    Interlocked.Increment(ref won);
                else
                    journal.Signal(Id, new Pause());
        }))).Soon();

        var events = first.Read(Id);
        Assert.Equal(Enumerable.Range(1, events.Count), events.Select(journaled => (int)journaled.Sequence));
        Assert.Equal(100, won + events.Count(journaled => journaled.Event is SignalReceived));
        for (var i = 0; i < events.Count; i++)
            if (events[i].Event is StepStarted)
                Assert.IsType<StepCompleted>(events[i + 1].Event);
    }

    [Fact]
    public void The_end_of_a_relocation_closes_it()
    {
        using var journal = RelocationJournal.Open(FilePath);
        journal.Create(Plans.Short());

        journal.Append(Id, 0, [new RelocationEnded(RelocationOutcome.Completed, null) { At = default }]);

        Assert.Empty(journal.ListOpen());
        Assert.True(journal.Find(Id)!.Ended);
    }

    [Fact]
    public async Task What_a_killed_process_had_appended_is_there()
    {
        await Child.Start("append", FilePath, "killed").ExitsWithAsync(Child.Killed);

        using var journal = RelocationJournal.Open(FilePath);
        Assert.Equal(3, journal.Read(Id).Count);
        Assert.True(journal.Append(Id, 3, [Started(9)]));
    }

    [Theory]
    [InlineData(3, "written by a newer relocate (version 3, this one knows 2)")]
    [InlineData(-1, "is no journal of relocate")]
    public void A_journal_of_an_unknown_version_is_refused_and_left_alone(int version, string why)
    {
        using (var journal = RelocationJournal.Open(FilePath))
            journal.Create(Plans.Short());
        Sql($"PRAGMA user_version = {version}");

        var error = Assert.Throws<RelocateException>(() => RelocationJournal.Open(FilePath));

        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(FilePath, error.Message, StringComparison.Ordinal);
        Sql("PRAGMA user_version = 2");
        using var again = RelocationJournal.Open(FilePath);
        Assert.NotNull(again.Find(Id));
    }

    [Fact]
    public void A_journal_of_the_version_before_is_brought_up_to_date_with_all_that_is_in_it()
    {
        using (var journal = RelocationJournal.Open(FilePath))
            journal.Create(Plans.Short());
        Sql("ALTER TABLE relocations DROP COLUMN halted; PRAGMA user_version = 1");

        using var again = RelocationJournal.Open(FilePath);

        Assert.Null(again.Find(Id)!.Halted);
        Assert.Equal([Id], again.ListOpen());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void A_file_that_is_no_journal_is_said_in_one_line(int from)
    {
        using (var journal = RelocationJournal.Open(FilePath))
            journal.Create(Plans.Short());
        var bytes = File.ReadAllBytes(FilePath);
        bytes.AsSpan(from).Fill(0x5a);
        File.WriteAllBytes(FilePath, bytes);

        var error = Assert.ThrowsAny<RelocateException>(() =>
        {
            using var journal = RelocationJournal.Open(FilePath);
            journal.List();
        });

        Assert.StartsWith(FilePath, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain(".;", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_that_makes_no_sense_is_said_with_its_place_and_hides_no_other_relocation()
    {
        using var journal = RelocationJournal.Open(FilePath);
        journal.Create(Plans.Short());
        journal.Create(Plans.Short("other"));
        journal.Append(Id, 0, [Started(1), Started(2)]);
        Sql("UPDATE events SET body = '{\"type\":\"stepTeleported\"}' WHERE sequence = 2");

        var error = Assert.Throws<RelocateException>(() => journal.Read(Id));

        Assert.Contains($"event 2 of relocation {Id} makes no sense", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Empty(journal.Read("other"));
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_said_in_one_line()
    {
        File.WriteAllText(_directory.File("journal"), "a file");

        var error = Assert.Throws<RelocateException>(() => RelocationJournal.Open(FilePath));

        Assert.Contains("cannot open the journal", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_engines_lock_is_one_processes_and_free_again_after_it()
    {
        var path = _directory.File("engine.lock");
        var held = EngineLock.TryTake(path);

        Assert.NotNull(held);
        Assert.Null(EngineLock.TryTake(path));
        Assert.Equal(Environment.ProcessId, EngineLock.LastHolder(path));
        held.Dispose();
        using var again = EngineLock.TryTake(path);
        Assert.NotNull(again);
        Assert.Throws<RelocateException>(() => EngineLock.TryTake(_directory.File("missing/engine.lock")));
    }

    internal static StepStarted Started(long sequence) => new("lease", StepDirection.Do, sequence) { At = DateTimeOffset.UnixEpoch };

    internal static StepCompleted Completed(long sequence) => new("lease", StepDirection.Do, sequence, new StepOutput()) { At = DateTimeOffset.UnixEpoch };

    private void Sql(string sql) => JournalFile.Execute(FilePath, sql);

    public void Dispose() => _directory.Dispose();
}
