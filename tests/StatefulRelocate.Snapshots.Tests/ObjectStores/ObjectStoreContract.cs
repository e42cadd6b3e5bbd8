using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Tests.ObjectStores;

/// <summary>What every object store promises; each driver's tests derive from this.</summary>
public abstract class ObjectStoreContract
{
    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract IObjectStore Store { get; }

    [Fact]
    public async Task An_object_reads_back_as_it_was_put()
    {
        Assert.NotNull(await Store.PutAsync("packs/a", new byte[] { 1, 2, 3, 4, 5 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([1, 2, 3, 4, 5], (await Store.GetAsync("packs/a", Cancellation))!.Content);
        Assert.Equal(5, await Store.SizeAsync("packs/a", Cancellation));
        var range = new byte[2];
        await Store.GetRangeAsync("packs/a", 3, range, Cancellation);
        Assert.Equal([4, 5], range);
    }

    [Fact]
    public async Task A_range_beyond_the_end_or_of_a_missing_object_is_an_error()
    {
        await Store.PutAsync("packs/a", new byte[] { 1, 2, 3 }, PutCondition.IfAbsent, Cancellation);
        await Assert.ThrowsAsync<ObjectStoreException>(() => Store.GetRangeAsync("packs/a", 2, new byte[2], Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => Store.GetRangeAsync("packs/b", 0, new byte[2], Cancellation));
    }

    [Fact]
    public async Task Put_if_absent_leaves_an_existing_object_alone()
    {
        await Store.PutAsync("snapshots/s", new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        Assert.Null(await Store.PutAsync("snapshots/s", new byte[] { 2 }, PutCondition.IfAbsent, Cancellation));
        Assert.Equal([1], (await Store.GetAsync("snapshots/s", Cancellation))!.Content);
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
        string? version = null;
        for (var round = 0; round < 10; round++)
        {
            var condition = version is null ? PutCondition.IfAbsent : PutCondition.IfMatch(version);
            var puts = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.PutAsync("leases/race", new[] { (byte)i }, condition, Cancellation))));
            version = Assert.Single(puts, p => p is not null);
            Assert.Equal(Array.IndexOf(puts, version), (await Store.GetAsync("leases/race", Cancellation))!.Content[0]);
        }
    }

    [Fact]
    public async Task Of_many_puts_if_absent_at_once_exactly_one_wins()
    {
        var puts = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.PutAsync("snapshots/race", new[] { (byte)i }, PutCondition.IfAbsent, Cancellation))));
        Assert.Single(puts, p => p is not null);
    }

    [Fact]
    public async Task A_list_has_the_names_with_the_prefix_in_ordinal_order()
    {
        foreach (var name in new[] { "packs/b", "packs/a", "packs/a-1", "index/x", "apps/web/r-2", "apps/web/r-1", "leases/web" })
            await Store.PutAsync(name, new byte[] { 1 }, PutCondition.IfAbsent, Cancellation);
        Assert.Equal(["packs/a", "packs/a-1", "packs/b"], await Store.ListAsync("packs/", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(["apps/web/r-1", "apps/web/r-2"], await Store.ListAsync("apps/web/r", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(["leases/web"], await Store.ListAsync("leases/", Cancellation).ToListAsync(Cancellation));
        Assert.Empty(await Store.ListAsync("none/", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(7, await Store.ListAsync("", Cancellation).CountAsync(Cancellation));
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
        Assert.Null(await Store.SizeAsync(name, Cancellation));
        Assert.Empty(await Store.ListAsync(name, Cancellation).ToListAsync(Cancellation));
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
