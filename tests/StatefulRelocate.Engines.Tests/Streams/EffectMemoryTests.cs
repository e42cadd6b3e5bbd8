using System.Text;
using StatefulRelocate.Activities;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using static StatefulRelocate.Engines.Tests.Streams.Effects;

namespace StatefulRelocate.Engines.Tests.Streams;

/// <summary>What an agent remembers of its effects, whatever happened to it or to its file.</summary>
public sealed class EffectMemoryTests : IDisposable
{
    private readonly Effects _effects = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_done_is_answered_from_the_record_and_not_done_again(bool restarted)
    {
        await _effects.ActAsync(Do(StepKind.FinalSnapshot, 3));
        if (restarted)
            _effects.Restart();

        var again = await _effects.ActAsync(Do(StepKind.FinalSnapshot, 3, 2));

        Assert.Equal("final-snapshot 3.1", again.SnapshotId);
        Assert.Equal(["final-snapshot"], _effects.Acted);
    }

    [Fact]
    public async Task A_new_dispatch_of_a_step_that_was_done_acts_again()
    {
        await _effects.ActAsync(Do(StepKind.RollCall, 3));

        Assert.Equal("roll-call 9.1", (await _effects.ActAsync(Do(StepKind.RollCall, 9))).SnapshotId);
    }

    [Fact]
    public async Task What_failed_acts_again_under_its_next_attempt()
    {
        await Assert.ThrowsAsync<IOException>(() => _effects.Journal.RunAsync(Do(StepKind.Fence, 3), _ => throw new IOException("full"), TestContext.Current.CancellationToken));
        _effects.Restart();

        Assert.Equal("fence 3.2", (await _effects.ActAsync(Do(StepKind.Fence, 3, 2))).SnapshotId);
    }

    [Fact]
    public async Task A_preflight_leaves_no_trace_of_an_app_that_the_cluster_does_not_know()
    {
        await _effects.ActAsync(Do(StepKind.Preflight, 1, epoch: 0));

        Assert.False(File.Exists(_effects.File));
    }

    [Theory]
    [InlineData("{\"relocation\":\"one\",\"st")]
    [InlineData("{\"relocation\":\"one\",\"st\n")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    [InlineData("\0\0\0\0\0\0\0\0\n")]
    [InlineData("null\n")]
    [InlineData("{}\n")]
    [InlineData("\n")]
    public async Task An_end_that_a_power_cut_left_behind_is_dropped_and_all_before_it_counts(string end)
    {
        await _effects.ActAsync(Do(StepKind.Lease, 3, 4));
        await _effects.ActAsync(Undo(StepKind.Quiesce, 6));
        await File.AppendAllTextAsync(_effects.File, end, TestContext.Current.CancellationToken);
        _effects.Restart();

        Assert.Equal(5, _effects.Journal.HighestEpoch("shop"));
        Assert.Equal("undo quiesce 6.1", (await _effects.ActAsync(Undo(StepKind.Quiesce, 6, 2))).SnapshotId);
        await _effects.ActAsync(Undo(StepKind.Lease, 7));
        _effects.Restart();

        Assert.Equal("undo lease 7.1", (await _effects.ActAsync(Undo(StepKind.Lease, 7, 2))).SnapshotId);
        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Lease, 3, 4)))).Code);
    }

    [Fact]
    public async Task Every_cut_through_the_file_leaves_what_was_whole_before_it()
    {
        for (var sequence = 1; sequence <= 4; sequence++)
            await _effects.ActAsync(Do(StepKind.RollCall, sequence));
        var whole = await File.ReadAllBytesAsync(_effects.File, TestContext.Current.CancellationToken);
        for (var length = 0; length <= whole.Length; length++)
        {
            await File.WriteAllBytesAsync(_effects.File, whole[..length], TestContext.Current.CancellationToken);
            _effects.Restart();
            var lines = Encoding.UTF8.GetString(whole, 0, length).Count(letter => letter == '\n');
            // Two lines for each: its mark, then its output.
            Assert.Equal(lines > 0 ? 5 : 0, _effects.Journal.HighestEpoch("shop"));
            if (lines % 2 == 0 && lines > 0)
                Assert.Equal($"roll-call {lines / 2}.1", (await _effects.ActAsync(Do(StepKind.RollCall, lines / 2, 2))).SnapshotId);
        }
    }

    [Fact]
    public async Task Damage_in_the_middle_is_said_in_one_line_and_nothing_acts_on_a_guess()
    {
        await _effects.ActAsync(Do(StepKind.Lease, 3));
        await _effects.ActAsync(Do(StepKind.Fence, 4));
        var lines = await File.ReadAllLinesAsync(_effects.File, TestContext.Current.CancellationToken);
        lines[1] = lines[1][..5];
        await File.WriteAllLinesAsync(_effects.File, lines, TestContext.Current.CancellationToken);
        _effects.Restart();

        var error = await Assert.ThrowsAsync<ActivityException>(() => _effects.ActAsync(Do(StepKind.Fence, 9)));

        Assert.Equal(("effects-damaged", false), (error.Failure.Code, error.Failure.Retryable));
        Assert.Contains($"{_effects.File}: line 2 is damaged", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(lines, await File.ReadAllLinesAsync(_effects.File, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_file_stays_small_over_many_relocations_and_the_epoch_stays()
    {
        for (var move = 1; move <= 60; move++)
        {
            await _effects.ActAsync(Do(StepKind.Lease, 3, relocation: $"move-{move}", epoch: move));
            await _effects.ActAsync(Undo(StepKind.Lease, 4, relocation: $"move-{move}", epoch: move));
            _effects.Restart();
        }

        Assert.InRange((await File.ReadAllLinesAsync(_effects.File, TestContext.Current.CancellationToken)).Length, 1, 17 * 5);
        Assert.Equal(60, _effects.Journal.HighestEpoch("shop"));
        Assert.True(_effects.Journal.IsClosed("shop", "move-60"));
        Assert.Equal(FailureCode.Superseded, (await Refused(_effects.ActAsync(Do(StepKind.Start, 9, relocation: "move-1", epoch: 1)))).Code);
    }

    [Fact]
    public async Task The_file_belongs_to_its_owner_alone()
    {
        await _effects.ActAsync(Do(StepKind.Lease, 3));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_effects.File));
    }

    public void Dispose() => _effects.Dispose();
}
