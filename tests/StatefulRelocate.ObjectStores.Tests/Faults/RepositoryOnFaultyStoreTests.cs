using System.Collections.Concurrent;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.ObjectStores.Tests.Servers;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Verification;
using StatefulRelocate.TestSupport.Faults;

namespace StatefulRelocate.ObjectStores.Tests.Faults;

/// <summary>
/// What a repository does on a store that fails, as an activity sees it after its driver gave up: an operation ends in an error or is right, and run
/// again it succeeds; nothing that was sealed is ever wrong.
/// </summary>
public sealed class RepositoryOnFaultyStoreTests(TestServers servers) : IDisposable
{
    private const int MostAttempts = 400;
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("faulty-store-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("directory")]
    [InlineData("minio")]
    [InlineData("azurite")]
    public async Task Rounds_arrive_bit_for_bit_and_the_repository_is_sound(string kind)
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var plan = new FaultPlan(seed, FaultPlan.Each(0.03).Append((Fault.StaleList, 0.1))) { Enabled = false };
        var (inner, store) = await OpenAsync(kind, plan);
        var key = RepositoryKey.FromPassphrase("correct horse battery staple");
        var repository = await Repository.InitializeAsync(store, key, Cancellation);
        var random = new Random(seed);
        var (source, target) = (_root.CreateSubdirectory("source").FullName, _root.CreateSubdirectory("target").FullName);
        var attempts = 0;
        for (var round = 1; round <= 5; round++)
        {
            Change(source, random);
            var id = $"round-{round}";
            var taken = new SnapshotRequest { App = "web", SnapshotId = id, Volumes = [new VolumePath("data", source)], JournalDirectory = Path.Combine(_root.FullName, "source-journal") };
            var restored = new RestoreRequest { SnapshotId = id, Volumes = [new VolumePath("data", target)], JournalDirectory = Path.Combine(_root.FullName, "target-journal") };
            plan.Enabled = true;
            attempts += await InsistAsync(() => new Snapshotter(repository, TimeProvider.System).TakeAsync(taken, null, Cancellation));
            attempts += await InsistAsync(() => new Restorer(repository, TimeProvider.System).RestoreAsync(restored, null, Cancellation));
            plan.Enabled = false;
            MustBeSame(source, target);
        }

        // As another machine sees it, without faults.
        var checkedNow = await new RepositoryChecker(await Repository.OpenAsync(inner, key, Cancellation)).CheckAsync(readData: true, Cancellation);
        Assert.Empty(checkedNow.Problems);
        TestContext.Current.TestOutputHelper?.WriteLine($"{attempts} attempts; {string.Join(", ", plan.Drawn.Select(pair => $"{pair.Value} {pair.Key}"))}");
        Assert.True(plan.Drawn.Values.Sum() > 3, "hardly a fault came");
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("minio")]
    [InlineData("azurite")]
    public async Task No_epoch_of_a_writer_record_is_won_twice(string kind)
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var plan = new FaultPlan(seed, FaultPlan.Each(0.02).Where(rate => rate.Fault != Fault.LostAnswer).Append((Fault.LostAnswer, 0.15))) { Enabled = false };
        var (_, store) = await OpenAsync(kind, plan);
        var repository = await Repository.InitializeAsync(store, RepositoryKey.FromPassphrase("correct horse battery staple"), Cancellation);
        plan.Enabled = true;
        var won = new ConcurrentBag<long>();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(() => SwapAsync(repository, $"edge-{writer}", won))));
        plan.Enabled = false;
        Assert.Equal(won.Count, won.Distinct().Count());
        var record = await new WriterRecordStore(repository).ReadAsync("web", Cancellation);
        Assert.True(record!.Record.Epoch >= won.Max());
        Assert.True(plan.Drawn.GetValueOrDefault(Fault.LostAnswer) > 3);
    }

    public void Dispose() => _root.Delete(recursive: true);

    private static async Task SwapAsync(Repository repository, string writer, ConcurrentBag<long> won)
    {
        var records = new WriterRecordStore(repository);
        for (var wins = 0; wins < 10;)
        {
            try
            {
                var read = await records.ReadAsync("web", Cancellation);
                var epoch = (read?.Record.Epoch ?? 0) + 1;
                var next = new WriterRecord { App = "web", Epoch = epoch, Writer = writer, ChangeId = Guid.NewGuid().ToString("n") };
                if ((await records.SwapAsync(read, next, Cancellation)).Won)
                {
                    won.Add(epoch);
                    wins++;
                }
            }
            catch (Exception error) when (error is ObjectStoreException or RelocateException)
            {
                // Unclear, or a short answer; whoever asks again sees what stands.
            }
        }
    }

    private async Task<(IObjectStore Inner, IObjectStore Faulty)> OpenAsync(string kind, FaultPlan plan)
    {
        var prefix = TestServers.NewPrefix();
        var inner = kind switch
        {
            "minio" => ObjectStoreUrl.Open((await servers.MinioAsync()).Url(prefix)),
            "azurite" => AzuriteStore.Open(await servers.AzuriteAsync(), prefix),
            _ => ObjectStoreUrl.Open("dir:" + Path.Combine(_root.FullName, "store")),
        };
        return (inner, new FaultyObjectStore(inner, plan));
    }

    private static async Task<int> InsistAsync(Func<Task> operation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await operation();
                return attempt;
            }
            catch (Exception error) when (error is ObjectStoreException or RelocateException && attempt < MostAttempts)
            {
                Assert.False(string.IsNullOrWhiteSpace(error.Message));
            }
        }
    }

    private static void Change(string source, Random random)
    {
        for (var i = 0; i < 12; i++)
        {
            var file = Path.Combine(source, $"file-{random.Next(16)}");
            var content = File.Exists(file) ? File.ReadAllBytes(file) : new byte[random.Next(400_000)];
            var from = random.Next(content.Length + 1);
            random.NextBytes(content.AsSpan(from, Math.Min(20_000, content.Length - from)));
            File.WriteAllBytes(file, content);
        }

        File.Delete(Path.Combine(source, $"file-{random.Next(16)}"));
    }

    private static void MustBeSame(string source, string target)
    {
        var names = Directory.GetFiles(source).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(names, Directory.GetFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var name in names)
            Assert.True(File.ReadAllBytes(Path.Combine(source, name!)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(target, name!))), name);
    }
}
