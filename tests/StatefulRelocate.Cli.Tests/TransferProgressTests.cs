using StatefulRelocate.Cli.Snapshots;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Cli.Tests;

public sealed class TransferProgressTests
{
    [Fact]
    public async Task A_terminal_gets_one_line_with_bytes_names_rate_and_time_left_that_is_taken_away_at_the_end()
    {
        var output = new StringWriter();
        await using (var progress = TransferProgress.Start("restoring", output, terminal: true, TimeProvider.System))
        {
            progress.Report(new ActivityProgress { BytesDone = 1 << 20, BytesTotal = 4 << 20, EntriesDone = 1234, Doing = "writing" });
            await UntilAsync(() => output.ToString().Contains("left", StringComparison.Ordinal));
        }

        Assert.Contains("writing  [#####...............] 25%  1 MiB of 4 MiB, 1,234 names", output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\r\e[K", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_only_the_names_are_known_they_say_the_time_left()
    {
        var output = new StringWriter();
        await using (var progress = TransferProgress.Start("reading", output, terminal: true, TimeProvider.System))
        {
            progress.Report(new ActivityProgress { BytesDone = 1 << 20, EntriesDone = 1500, EntriesTotal = 2000 });
            await UntilAsync(() => output.ToString().Contains(" left", StringComparison.Ordinal));
        }

        Assert.Contains("reading  [###############.....] 75%  1 MiB, 1,500 of 2,000 names", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_is_known_the_time_that_has_passed_is_shown_and_none_left()
    {
        var output = new StringWriter();
        await using (var progress = TransferProgress.Start("reading", output, terminal: true, TimeProvider.System))
        {
            progress.Report(new ActivityProgress { BytesDone = 1 << 20, EntriesDone = 1500 });
            await UntilAsync(() => output.ToString().Contains("0:00", StringComparison.Ordinal));
        }

        Assert.DoesNotContain("left", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_terminal_what_is_done_soon_says_nothing()
    {
        var output = new StringWriter();
        await using (var progress = TransferProgress.Start("reading", output, terminal: false, TimeProvider.System))
            progress.Report(new ActivityProgress { BytesDone = 1 << 20 });
        Assert.Empty(output.ToString());
        Assert.Null(TransferProgress.Start("reading", json: true));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(10, TestContext.Current.CancellationToken);
    }
}
