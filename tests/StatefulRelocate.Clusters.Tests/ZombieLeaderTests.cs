using StatefulRelocate.Clusters.Local.Processes;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.TestSupport;

namespace StatefulRelocate.Clusters.Tests;

public sealed class ZombieLeaderTests
{
    // The first thread ends and stays as a zombie until the last one ends; /proc shows the process in state Z all the while.
    private const string Program = """
        #include <fcntl.h>
        #include <pthread.h>
        #include <unistd.h>
        static void *write_on(void *unused)
        {
            int file = open("ticks", O_WRONLY | O_CREAT | O_APPEND, 0600);
            for (;;) { write(file, "x\n", 2); usleep(2000); }
            return unused;
        }
        int main(void)
        {
            pthread_t thread;
            pthread_create(&thread, 0, write_on, 0);
            pthread_exit(0);
        }
        """;

    [Fact]
    public async Task A_process_whose_first_thread_has_ended_is_not_gone_while_another_one_writes()
    {
        await using var test = await TestCluster.StartAsync();
        var program = await CProgram.TryCompileAsync(test.State, "leaderless", Program, "-pthread");
        Assert.SkipWhen(program is null, CProgram.Missing);
        await test.RunAsync(TestCluster.Shell($"exec {program}"));
        await TestCluster.UntilAsync(() => ProcessTable.Read().Entries.Any(p => p is { Name: "leaderless", State: 'Z' }), "its first thread has ended");
        await test.UntilWrittenAsync("ticks", 10);
        Assert.False((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
        Assert.Equal(AppRunState.Running, (await test.FindAsync()).State);

        await test.Cluster.QuiesceAsync(TestCluster.App, QuiesceMode.Freeze, CancellationToken.None);
        var frozen = test.Lines("ticks");
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
        Assert.Equal(frozen, test.Lines("ticks"));
        await test.Cluster.UnquiesceAsync(TestCluster.App, CancellationToken.None);
        await test.UntilWrittenAsync("ticks", frozen + 10);

        await test.Cluster.KillAsync(TestCluster.App, CancellationToken.None);
        var killed = test.Lines("ticks");
        Assert.True((await test.Cluster.ProveSilentAsync(TestCluster.App, CancellationToken.None)).Silent);
        Assert.Equal(killed, test.Lines("ticks"));
    }
}
