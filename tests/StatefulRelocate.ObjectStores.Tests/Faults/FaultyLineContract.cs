using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.TestSupport.Faults;

namespace StatefulRelocate.ObjectStores.Tests.Faults;

/// <summary>A driver on a line that loses, delays, cuts and refuses: nobody above it sees that.</summary>
public abstract class FaultyLineContract
{
    /// <summary>Quick, so that many faults fit in a second; a budget that never ends.</summary>
    private static readonly RetryOptions s_retries = new() { FirstDelay = TimeSpan.FromMilliseconds(1), LongestDelay = TimeSpan.FromMilliseconds(20), Budget = 1_000_000, BeforeFirstAnswer = TimeSpan.FromMinutes(1), AfterFirstAnswer = TimeSpan.FromMinutes(1) };

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_put_is_what_is_read_listed_and_deleted()
    {
        var plan = NewPlan(FaultPlan.Each(0.04));
        var store = await OpenAsync(plan, s_retries);
        var random = new Random(plan.Number(int.MaxValue));
        var contents = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        for (var i = 0; i < 60; i++)
        {
            var content = new byte[random.Next(i % 20 == 0 ? 200_000 : 2_000)];
            random.NextBytes(content);
            var name = $"packs/{i:d3}";
            Assert.NotNull(await store.PutAsync(name, content, i % 2 == 0 ? PutCondition.IfAbsent : PutCondition.Always, Cancellation));
            contents[name] = content;
        }

        foreach (var (name, content) in contents)
        {
            var got = (await store.GetAsync(name, Cancellation))!;
            Assert.Equal(content, got.Content);
            Assert.Equal(new ObjectHead(content.Length, got.Version, default), await store.HeadAsync(name, Cancellation) is { } head ? head with { LastModified = default } : null);
            if (content.Length < 2)
                continue;
            var range = new byte[content.Length - 1];
            await store.GetRangeAsync(name, 1, range, Cancellation);
            Assert.Equal(content[1..], range);
        }

        Assert.Equal(contents.Select(entry => (entry.Key, (long)entry.Value.Length)), (await ListAsync(store, "packs/")).Select(found => (found.Name, found.Size)));
        await store.DeleteManyAsync([.. contents.Keys.Take(30)], Cancellation);
        foreach (var name in contents.Keys.Skip(30).Take(10))
            await store.DeleteAsync(name, Cancellation);
        Assert.Equal(contents.Keys.Skip(40), (await ListAsync(store, "packs/")).Select(found => found.Name));
        Report(plan);
    }

    [Fact]
    public async Task No_change_under_a_condition_is_lost_or_made_twice()
    {
        var plan = NewPlan(FaultPlan.Each(0.02).Append((Fault.LostAnswer, 0.15)).GroupBy(rate => rate.Item1).Select(group => group.Last()));
        var (first, second) = (await OpenAsync(plan, s_retries), await OpenAsync(plan, s_retries));
        Assert.NotNull(await first.PutAsync("leases/web", Number(0), PutCondition.IfAbsent, Cancellation));
        var unclear = new ConcurrentBag<string>();
        var wins = await Task.WhenAll(Task.Run(() => CountUpAsync(first, unclear)), Task.Run(() => CountUpAsync(second, unclear)));

        // Each win raised the number by one; so did some of those that could not be told, and nothing else.
        var final = Parse((await first.GetAsync("leases/web", Cancellation))!.Content);
        Assert.InRange(final, wins.Sum(), wins.Sum() + unclear.Count);
        Report(plan);
    }

    [Fact]
    public async Task Of_two_that_make_the_same_object_at_most_one_is_told_that_it_did()
    {
        var plan = NewPlan(FaultPlan.Each(0.02).Append((Fault.LostAnswer, 0.2)).GroupBy(rate => rate.Item1).Select(group => group.Last()));
        var (first, second) = (await OpenAsync(plan, s_retries), await OpenAsync(plan, s_retries));
        for (var i = 0; i < 20; i++)
        {
            var name = $"snapshots/s-{i}";
            var told = await Task.WhenAll(Task.Run(() => MakeAsync(first, name, 1)), Task.Run(() => MakeAsync(second, name, 2)));
            var stands = (await first.GetAsync(name, Cancellation))!.Content[0];
            for (var writer = 1; writer <= 2; writer++)
            {
                // Won: it is mine. Refused: it is the other's. Unclear: anything.
                if (told[writer - 1] is { } won)
                    Assert.Equal(won, stands == writer);
            }
        }

        Report(plan);
    }

    private protected abstract Task<IObjectStore> OpenAsync(FaultPlan plan, RetryOptions retries);

    private static async Task<bool?> MakeAsync(IObjectStore store, string name, byte writer)
    {
        try
        {
            return await store.PutAsync(name, new[] { writer, (byte)0 }, PutCondition.IfAbsent, Cancellation) is not null;
        }
        catch (ObjectStoreException error) when (error.Message.Contains("whether this one took effect before is unknown", StringComparison.Ordinal))
        {
            return null;
        }
    }

    private static async Task<int> CountUpAsync(IObjectStore store, ConcurrentBag<string> unclear)
    {
        var wins = 0;
        while (wins < 25)
        {
            var read = (await store.GetAsync("leases/web", Cancellation))!;
            try
            {
                if (await store.PutAsync("leases/web", Number(Parse(read.Content) + 1), PutCondition.IfMatch(read.Version), Cancellation) is not null)
                    wins++;
            }
            catch (ObjectStoreException error) when (error.Message.Contains("whether this one took effect before is unknown", StringComparison.Ordinal))
            {
                unclear.Add(error.Message);
            }
        }

        return wins;
    }

    // A version may be made from the content, so that one differs each time.
    private static byte[] Number(int number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{number} {Guid.NewGuid():n}"));

    private static int Parse(byte[] content) => int.Parse(Encoding.UTF8.GetString(content).Split(' ')[0], CultureInfo.InvariantCulture);

    private static async Task<List<ObjectInfo>> ListAsync(IObjectStore store, string prefix)
    {
        var all = new List<ObjectInfo>();
        await foreach (var found in store.ListAsync(prefix, Cancellation))
            all.Add(found);
        return all;
    }

    private static FaultPlan NewPlan(IEnumerable<(Fault Fault, double Rate)> rates)
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        return new FaultPlan(seed, rates);
    }

    private static void Report(FaultPlan plan)
    {
        var drawn = string.Join(", ", plan.Drawn.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} {pair.Key}"));
        TestContext.Current.TestOutputHelper?.WriteLine(drawn);
        Assert.True(plan.Drawn.Values.Sum() > 5, "hardly a fault came: " + drawn);
    }
}
