using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Tests.Contract;

/// <summary>What every object store promises; each driver's tests derive from this. Each test has a store of its own, empty.</summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected IObjectStore Store { get; private set; } = null!;

    /// <summary>How many races are run.</summary>
    protected virtual int Races => 10;

    /// <summary>How many take part in each.</summary>
    protected virtual int Writers => 16;

    /// <summary>Opens the test's store: each call a client of its own, as another machine would have.</summary>
    protected abstract ValueTask<IObjectStore> OpenAsync();

    protected virtual ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task<List<string>> NamesAsync(string prefix)
    {
        var names = new List<string>();
        await foreach (var (name, _, _) in Store.ListAsync(prefix, Cancellation))
            names.Add(name);
        return names;
    }

    [Fact]
    public async Task An_object_reads_back_as_it_was_put()
    {
        Assert.NotNull(await Store.PutAsync("packs/a", new byte[] { 1, 2, 3, 4, 5 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([1, 2, 3, 4, 5], (await Store.GetAsync("packs/a", Cancellation))!.Content);
        Assert.Equal(5, (await Store.HeadAsync("packs/a", Cancellation))!.Size);
        var range = new byte[2];
        await Store.GetRangeAsync("packs/a", 3, range, Cancellation);
        Assert.Equal([4, 5], range);
    }

    [Fact]
    public async Task A_range_beyond_the_end_or_of_a_missing_object_is_an_error()
    {
        await Store.PutAsync("packs/a", new byte[] { 1, 2, 3 }, PutCondition.IfAbsent, Cancellation);
        foreach (var (name, offset) in new[] { ("packs/a", 2), ("packs/a", 3), ("packs/a", 9), ("packs/b", 0), ("none/a", 0), ("leases/b", 0) })
        {
            var error = await Assert.ThrowsAsync<ObjectStoreException>(() => Store.GetRangeAsync(name, offset, new byte[2], Cancellation));
            Assert.True(error.ObjectAtFault, error.Message);
            Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_large_object_goes_up_and_comes_down_whole_and_in_parts_under_the_same_conditions()
    {
        var content = new byte[(40 << 20) + 12345];
        new Random(4711).NextBytes(content);
        var first = await Store.PutAsync("leases/large", content, PutCondition.IfAbsent, Cancellation);
        Assert.NotNull(first);
        Assert.Null(await Store.PutAsync("leases/large", content, PutCondition.IfAbsent, Cancellation));
        Assert.True((await Store.GetAsync("leases/large", Cancellation))!.Content.SequenceEqual(content));
        var range = new byte[20 << 20];
        await Store.GetRangeAsync("leases/large", 1_000_001, range, Cancellation);
        Assert.True(content.AsSpan(1_000_001, range.Length).SequenceEqual(range));

        content[0]++;
        var second = await Store.PutAsync("leases/large", content, PutCondition.IfMatch(first), Cancellation);
        Assert.NotNull(second);
        content[0]++;
        Assert.Null(await Store.PutAsync("leases/large", content, PutCondition.IfMatch(first), Cancellation));
        Assert.Equal(second, (await Store.HeadAsync("leases/large", Cancellation))!.Version);
        content[0]--;
        Assert.True((await Store.GetAsync("leases/large", Cancellation))!.Content.SequenceEqual(content));
    }

    [Fact]
    public async Task Put_if_absent_leaves_an_existing_object_alone()
    {
        await Store.PutAsync("snapshots/s", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        Assert.Null(await Store.PutAsync("snapshots/s", new byte[] { 2 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([1], (await Store.GetAsync("snapshots/s", Cancellation))!.Content);
    }

    [Fact]
    public async Task A_head_tells_the_size_and_the_version_that_a_put_told()
    {
        var version = await Store.PutAsync("leases/web", new byte[] { 1, 2, 3 }, PutCondition.IfAbsent, Cancellation);
        var head = await Store.HeadAsync("leases/web", Cancellation);
        Assert.Equal((3, version), (head!.Size, head.Version));
        Assert.Equal(version, (await Store.GetAsync("leases/web", Cancellation))!.Version);
        Assert.Null(await Store.HeadAsync("leases/none", Cancellation));
        Assert.Null(await Store.GetAsync("none/none", Cancellation));
    }

    [Fact]
    public async Task The_clock_of_the_store_is_the_one_that_dates_its_objects()
    {
        await Store.PutAsync("packs/before", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        var time = await Store.ServerTimeAsync(Cancellation);
        await Store.PutAsync("packs/after", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        var before = (await Store.HeadAsync("packs/before", Cancellation))!.LastModified;
        var after = (await Store.HeadAsync("packs/after", Cancellation))!.LastModified;

        // A store may tell whole seconds only, and Linux stamps files by a clock that ticks every few milliseconds.
        var tick = TimeSpan.FromSeconds(1);
        Assert.InRange(time, before - tick, after + tick);
        await foreach (var found in Store.ListAsync("packs/before", Cancellation))
            Assert.InRange(found.LastModified, before - tick, before + tick);
    }

    [Fact]
    public async Task An_object_of_no_bytes_is_an_object()
    {
        Assert.NotNull(await Store.PutAsync("packs/empty", ReadOnlyMemory<byte>.Empty, PutCondition.IfAbsent, Cancellation));
        Assert.Empty((await Store.GetAsync("packs/empty", Cancellation))!.Content);
        Assert.Equal(0, (await Store.HeadAsync("packs/empty", Cancellation))!.Size);
        Assert.Equal(["packs/empty"], await NamesAsync("packs/"));
        await Store.GetRangeAsync("packs/empty", 0, Memory<byte>.Empty, Cancellation);
    }

    [Fact]
    public async Task Many_objects_are_deleted_at_once_and_those_that_are_not_there_are_no_error()
    {
        foreach (var name in new[] { "packs/a", "packs/b", "packs/c", "leases/web", "config" })
            await Store.PutAsync(name, new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        await Store.DeleteManyAsync(["packs/a", "packs/none", "packs/c", "leases/web", "none/none"], Cancellation);
        Assert.Equal(["config", "packs/b"], await NamesAsync(""));
        await Store.DeleteManyAsync([], Cancellation);
    }

    [Fact]
    public async Task A_put_without_condition_replaces()
    {
        await Store.PutAsync("apps/web/r", new byte[] { 1 }, PutCondition.Always, Cancellation);
        await Store.PutAsync("apps/web/r", new byte[] { 2, 2 }, PutCondition.Always, Cancellation);
        Assert.Equal([2, 2], (await Store.GetAsync("apps/web/r", Cancellation))!.Content);
    }

    [Fact]
    public async Task Put_if_match_takes_effect_only_on_the_version_that_was_read()
    {
        var first = await Store.PutAsync("leases/web", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        var second = await Store.PutAsync("leases/web", new byte[] { 2 }, PutCondition.IfMatch(first!), Cancellation);
        Assert.NotNull(second);
        Assert.Null(await Store.PutAsync("leases/web", new byte[] { 3 }, PutCondition.IfMatch(first!), Cancellation));
        Assert.Null(await Store.PutAsync("leases/web", new byte[] { 3 }, PutCondition.IfAbsent, Cancellation));
        var read = await Store.GetAsync("leases/web", Cancellation);
        Assert.Equal([2], read!.Content);
        Assert.Equal(second, read.Version);
    }

    [Fact]
    public async Task Put_if_match_of_a_missing_object_does_nothing()
    {
        Assert.Null(await Store.PutAsync("leases/none", new byte[] { 3 }, PutCondition.IfMatch("1"), Cancellation));
        Assert.Null(await Store.GetAsync("leases/none", Cancellation));
    }

    [Fact]
    public async Task Of_many_puts_at_once_exactly_one_wins_each_time()
    {
        var other = await OpenAsync();
        string? version = null;
        for (var round = 0; round < Races; round++)
        {
            var condition = version is null ? PutCondition.IfAbsent : PutCondition.IfMatch(version);
            var puts = await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Run(() => (i % 2 == 0 ? Store : other).PutAsync("leases/race", new[] { (byte)i, (byte)round }, condition, Cancellation))));
            version = Assert.Single(puts, p => p is not null);
            Assert.Equal(Array.IndexOf(puts, version), (await Store.GetAsync("leases/race", Cancellation))!.Content[0]);
        }
    }

    [Fact]
    public async Task Of_many_puts_if_absent_at_once_exactly_one_wins()
    {
        var other = await OpenAsync();
        for (var round = 0; round < Races; round++)
        {
            var name = $"snapshots/race-{round}";
            var puts = await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Run(() => (i % 2 == 0 ? Store : other).PutAsync(name, new[] { (byte)i }, PutCondition.IfAbsent, Cancellation))));
            var winner = Assert.Single(puts, p => p is not null);
            Assert.Equal(Array.IndexOf(puts, winner), (await Store.GetAsync(name, Cancellation))!.Content[0]);
        }
    }

    [Fact]
    public async Task A_list_has_the_names_with_the_prefix_in_ordinal_order()
    {
        foreach (var name in new[] { "packs/b", "packs/a", "packs/a-1", "index/x", "apps/web/r-2", "apps/web/r-1", "leases/web" })
            await Store.PutAsync(name, new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        Assert.Equal(["packs/a", "packs/a-1", "packs/b"], await NamesAsync("packs/"));
        Assert.Equal(["apps/web/r-1", "apps/web/r-2"], await NamesAsync("apps/web/r"));
        Assert.Equal(["leases/web"], await NamesAsync("leases/"));
        Assert.Empty(await NamesAsync("none/"));
        Assert.Equal(7, (await NamesAsync("")).Count);
    }

    [Theory]
    [InlineData("packs/a")]
    [InlineData("leases/a")]
    public async Task A_deleted_object_is_gone_and_can_be_made_again(string name)
    {
        await Store.PutAsync(name, new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        await Store.DeleteAsync(name, Cancellation);
        await Store.DeleteAsync(name, Cancellation);
        Assert.Null(await Store.GetAsync(name, Cancellation));
        Assert.Null(await Store.HeadAsync(name, Cancellation));
        Assert.Empty(await NamesAsync(name));
        Assert.NotNull(await Store.PutAsync(name, new byte[] { 2 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([2], (await Store.GetAsync(name, Cancellation))!.Content);
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("/etc/passwd")]
    [InlineData("packs//a")]
    [InlineData("packs/A")]
    [InlineData("packs/.hidden")]
    public async Task A_name_outside_the_alphabet_is_refused(string name)
        => await Assert.ThrowsAsync<ObjectStoreException>(() => Store.PutAsync(name, new byte[] { 1 }, PutCondition.Always, Cancellation));
}
