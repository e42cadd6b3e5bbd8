using StatefulRelocate.Cli.Snapshots;
using StatefulRelocate.Core.Activities;

namespace StatefulRelocate.Cli.Tests;

public sealed class TransferProgressTests
{
    [Fact]
    public async Task A_terminal_gets_one_line_with_bytes_names_rate_and_time_left_that_is_taken_away_at_the_end()
    {
        var output = new StringWriter();
        await using (var progress = TransferProgress.Start("restoring", 4L << 20, output, terminal: true, TimeProvider.System))
        {
            progress.Report(new ActivityProgress { BytesDone = 1 << 20, EntriesDone = 1234, Doing = "writing" });
            await UntilAsync(() => output.ToString().Contains("left", StringComparison.Ordinal));
        }

        Assert.Contains("writing  [#####...............] 25%  1 MiB of 4 MiB, 1,234 names", output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\r\e[K", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_terminal_what_is_done_soon_says_nothing()
    {
        var output = new StringWriter();
        await using (var progress = TransferProgress.Start("reading", null, output, terminal: false, TimeProvider.System))
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
