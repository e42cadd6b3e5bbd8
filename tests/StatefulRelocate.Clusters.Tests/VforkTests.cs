using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.TestSupport;

namespace StatefulRelocate.Clusters.Tests;

public sealed class VforkTests
{
    // The child opens a FIFO before it calls execve: so long as nobody writes to the FIFO, its parent stands in vfork.
    private const string Program = """
        #include <fcntl.h>
        #include <unistd.h>
        int main(void)
        {
            if (vfork() == 0) {
                open("gate", O_RDONLY);
                execl("/bin/sleep", "sleep", "1000", (char *)0);
                _exit(1);
            }
            for (;;) pause();
        }
        """;

    [Fact]
    public async Task A_process_that_is_caught_in_vfork_is_suspended_once_its_child_has_called_execve()
    {
        await using var test = await TestCluster.StartAsync();
        var program = await CProgram.TryCompileAsync(test.State, "vforker", Program, "-pthread");
        Assert.SkipWhen(program is null, CProgram.Missing);
        await test.RunAsync(TestCluster.Shell($"mkfifo gate; exec {program}"));
        ProcessEntry? Find(char state) => ProcessTable.Read().Entries.Where(p => p.Name == "vforker" && p.State == state).Cast<ProcessEntry?>().FirstOrDefault();
        await TestCluster.UntilAsync(() => Find('D') is not null, "the parent stands in vfork");

        var freeze = test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        await TestCluster.UntilAsync(() => Find('T') is not null, "the child was stopped before execve");
        // While the child is stopped it does not count as a reader, and this waits.
        var gate = Task.Run(() => new FileStream(Path.Combine(test.Volume, "gate"), FileMode.Open, FileAccess.Write));
        await freeze;
        await (await gate).DisposeAsync();

        var proof = await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None);
        Assert.True(proof.Silent, string.Join("; ", proof.Reasons));
        await test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None);
        await TestCluster.UntilAsync(() => Find('S') is not null, "the parent waits for signals again");
    }
}
