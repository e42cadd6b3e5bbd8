using System.Diagnostics;
using System.Globalization;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

public sealed class PageDeltaTests : IDisposable
{
    private const long FileSize = 256L << 20, Limit = 4L << 20;
    private const int Page = 8192, Pages = 100;
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task A_hundred_pages_of_256_MiB_ship_and_write_at_most_4_MiB_also_after_a_kill()
    {
        const int seed = 20261123;
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        Fill(random);
        await _workspace.MoveAsync();
        var before = StoreBytes();

        Dirty(random);
        var watch = Stopwatch.StartNew();
        var taken = await _workspace.TakeAsync("delta-1");
        var taking = watch.Elapsed;
        Assert.True(taken.Figures.BytesShipped <= Limit, $"{taken.Figures.BytesShipped} bytes were shipped");
        Assert.Equal(taken.Figures.BytesShipped, StoreBytes() - before);
        Assert.Equal(Pages * Page, taken.Figures.BytesChanged);
        var written = long.Parse(await ChildProcess.RunAsync("restore", _workspace.Root, "delta-1"), CultureInfo.InvariantCulture);
        Assert.True(written <= Limit, $"{written} bytes were written");
        await RequireArrivedAsync("delta-1");
        TestContext.Current.SendDiagnosticMessage($"shipped {taken.Figures.BytesShipped}, written {written}, round {taking.TotalMilliseconds:f0} ms");

        var kills = Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1" ? 100 : 4;
        for (var kill = 0; kill < kills; kill++)
        {
            Dirty(random);
            var id = $"killed-{kill}";
            await _workspace.TakeAsync(id);
            var after = TimeSpan.FromMilliseconds(random.Next(5, 150));
            var running = await ChildProcess.KillAsync(after, "restore", _workspace.Root, id);
            written = long.Parse(await ChildProcess.RunAsync("restore", _workspace.Root, id), CultureInfo.InvariantCulture);
            Assert.True(written <= Limit, $"{written} bytes were written after a kill at {after.TotalMilliseconds} ms (still running: {running})");
            await RequireArrivedAsync(id);
        }
    }

    public void Dispose() => _workspace.Dispose();

    private async Task RequireArrivedAsync(string id)
    {
        var verified = await _workspace.VerifyAsync(id);
        Assert.True(verified.Matches, string.Join("; ", verified.Differences));
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    private void Fill(Random random)
    {
        using var file = File.Create(Path.Combine(_workspace.Source, "database"));
        var buffer = new byte[1 << 20];
        for (long written = 0; written < FileSize; written += buffer.Length)
        {
            random.NextBytes(buffer.AsSpan(0, buffer.Length / 2));
            file.Write(buffer);
        }
    }

    private void Dirty(Random random)
    {
        using var file = File.OpenWrite(Path.Combine(_workspace.Source, "database"));
        var page = new byte[Page];
        var pages = new HashSet<long>();
        while (pages.Count < Pages)
            pages.Add(random.NextInt64(FileSize / Page));
        foreach (var number in pages)
        {
            random.NextBytes(page);
            file.Position = number * Page;
            file.Write(page);
        }
    }

    private long StoreBytes() => Directory.EnumerateFiles(_workspace.Store, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
}
