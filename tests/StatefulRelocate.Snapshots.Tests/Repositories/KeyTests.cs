using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;
using StatefulRelocate.Snapshots.Tests.Fixtures;
using StatefulRelocate.Snapshots.Verification;

namespace StatefulRelocate.Snapshots.Tests.Repositories;

public sealed class KeyTests : IDisposable
{
    private readonly Workspace _workspace = new();

    private static CancellationToken Cancellation => Workspace.Cancellation;

    [Fact]
    public async Task An_added_key_opens_everything_and_a_removed_one_nothing()
    {
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "file"), "content", Cancellation);
        await _workspace.TakeAsync("one");
        var before = Objects("packs", "maps", "snapshots", "index");
        var keys = new KeyDirectory(await _workspace.ReopenAsync());
        var second = RepositoryKey.FromPassphrase(Workspace.Passphrase);
        var id = await keys.AddAsync(second, null, "spare", Cancellation);
        Assert.Equal(before, Objects("packs", "maps", "snapshots", "index"));

        var opened = await OpenAsync(second);
        Assert.Equal("one", (await opened.Snapshots.GetAsync("latest", Cancellation)).Id);
        var listed = await new KeyDirectory(opened).ListAsync(Cancellation);
        Assert.Equal([("key", null, false), ("passphrase", "spare", true)], listed.OrderBy(k => k.Kind, StringComparer.Ordinal).Select(k => (k.Kind, k.Label, k.Current)));
        await keys.RemoveAsync(id, Cancellation);
        Assert.Contains("wrong passphrase", (await Assert.ThrowsAsync<RelocateException>(() => OpenAsync(second))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_key_cannot_be_removed_not_even_by_two_at_once()
    {
        var keys = new KeyDirectory(await _workspace.ReopenedAfterInitAsync());
        var first = (await keys.ListAsync(Cancellation)).Single();
        Assert.Contains("last key", (await Assert.ThrowsAsync<RelocateException>(() => keys.RemoveAsync(first.Id, Cancellation))).Message, StringComparison.Ordinal);
        var appKey = await keys.AddAsync(RepositoryKey.FromPassphrase("for the app"), "web", null, Cancellation);
        await Assert.ThrowsAsync<RelocateException>(() => keys.RemoveAsync(first.Id, Cancellation));
        for (var i = 0; i < 20; i++)
        {
            await keys.AddAsync(NewKey(), null, null, Cancellation);
            var all = (await keys.ListAsync(Cancellation)).Where(k => k.App is null).ToArray();
            await Task.WhenAll(all.Select(k => Task.Run(async () =>
            {
                try
                {
                    await keys.RemoveAsync(k.Id, Cancellation);
                }
                catch (RelocateException)
                {
                    // The last one, or removed by the other.
                }
            })));
            Assert.Contains(await keys.ListAsync(Cancellation), k => k.App is null);
        }

        await keys.RemoveAsync(appKey, Cancellation);
    }

    [Fact]
    public async Task An_app_key_opens_one_app_and_nothing_else()
    {
        await File.WriteAllTextAsync(Path.Combine(_workspace.Source, "file"), new string('x', 50_000), Cancellation);
        var root = await _workspace.RepositoryAsync();
        var (web, mail) = (NewKey(), NewKey());
        await new KeyDirectory(root).AddAsync(web, "web", null, Cancellation);
        await new KeyDirectory(root).AddAsync(mail, "mail", null, Cancellation);
        await TakeAsync(root, "other", "root-1");
        var packs = Objects("packs");
        await TakeAsync(await OpenAsync(web), "web", "web-1");
        await TakeAsync(await root.ForAppAsync("mail", Cancellation), "mail", "mail-1");

        // No deduplication across domains: each stored its own.
        Assert.Equal(packs, Objects("packs"));
        Assert.NotEmpty(Objects("domain/web/packs"));
        Assert.NotEmpty(Objects("domain/mail/packs"));

        var opened = await OpenAsync(web);
        Assert.Equal("web", opened.App);
        Assert.Equal(["web-1"], await IdsAsync(opened));
        Assert.Contains("'web' only", (await Assert.ThrowsAsync<RelocateException>(() => opened.ForAppAsync("mail", Cancellation))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RelocateException>(() => TakeAsync(opened, "mail", "mail-2"));
        await Assert.ThrowsAsync<RelocateException>(() => new KeyDirectory(opened).AddAsync(NewKey(), null, null, Cancellation));
        await Assert.ThrowsAsync<RelocateException>(() => new KeyDirectory(opened).AddAsync(NewKey(), "mail", null, Cancellation));

        // Whatever is put where it looks does not open.
        foreach (var other in new[] { "snapshots/root-1", "domain/mail/snapshots/mail-1" })
        {
            File.Copy(Path.Combine(_workspace.Store, other), Path.Combine(_workspace.Store, "domain/web/snapshots", Path.GetFileName(other)));
            await Assert.ThrowsAsync<DamageException>(() => opened.Snapshots.FindAsync(Path.GetFileName(other), Cancellation));
            File.Delete(Path.Combine(_workspace.Store, "domain/web/snapshots", Path.GetFileName(other)));
        }

        // The repository's key opens all of it.
        var all = new List<string>();
        await foreach (var home in (await _workspace.ReopenAsync()).DomainsAsync(Cancellation))
        {
            all.AddRange(await IdsAsync(home));
            Assert.Empty((await new RepositoryChecker(home).CheckAsync(true, Cancellation)).Problems);
        }

        Assert.Equal(["mail-1", "root-1", "web-1"], all.Order(StringComparer.Ordinal));
        await new Restorer(opened, TimeProvider.System).RestoreAsync(
            new() { SnapshotId = "web-1", Volumes = [new("data", _workspace.Target)], JournalDirectory = _workspace.TargetJournal }, null, Cancellation);
        TreeComparison.RequireEqual(_workspace.Source, _workspace.Target);
    }

    [Fact]
    public async Task A_key_object_that_claims_another_app_does_not_open()
    {
        var key = NewKey();
        var keys = new KeyDirectory(await _workspace.RepositoryAsync());
        await keys.AddAsync(NewKey(), "mail", null, Cancellation);
        var id = await keys.AddAsync(key, "web", null, Cancellation);
        var path = Directory.GetFiles(Path.Combine(_workspace.Store, "keys")).Single(f => f.EndsWith(id, StringComparison.Ordinal));
        var text = await File.ReadAllTextAsync(path, Cancellation);
        foreach (var changed in new[] { text.Replace("\"app\":\"web\",", "", StringComparison.Ordinal), text.Replace("web", "mail", StringComparison.Ordinal) })
        {
            Assert.NotEqual(text, changed);
            await File.WriteAllTextAsync(path, changed, Cancellation);
            await Assert.ThrowsAsync<RelocateException>(() => OpenAsync(key));
        }
    }

    [Fact]
    public async Task The_first_key_of_an_app_takes_its_writer_record_along()
    {
        var root = await _workspace.RepositoryAsync();
        var record = new WriterRecord { App = "web", Epoch = 3, Writer = "a", RelocationId = "r-1", ChangeId = "c-1" };
        var first = await new WriterRecordStore(root).SwapAsync(null, record, Cancellation);
        var keys = new KeyDirectory(root);
        var key = NewKey();
        Assert.Contains("r-1", (await Assert.ThrowsAsync<RelocateException>(() => keys.AddAsync(key, "web", null, Cancellation))).Message, StringComparison.Ordinal);
        await new WriterRecordStore(root).SwapAsync(first.Current, record with { RelocationId = null, ChangeId = "c-2" }, Cancellation);
        await keys.AddAsync(key, "web", null, Cancellation);
        var web = await OpenAsync(key);
        var read = await new WriterRecordStore(web).ReadAsync("web", Cancellation);
        Assert.Equal((3, "a"), (read!.Record.Epoch, read.Record.Writer));

        // Who does not know of the domain yet refuses instead of starting a record of his own.
        await Assert.ThrowsAsync<DamageException>(() => new WriterRecordStore(root).ReadAsync("web", Cancellation));
        Assert.NotNull(await new WriterRecordStore(await root.ForAppAsync("web", Cancellation)).ReadAsync("web", Cancellation));
    }

    [Fact]
    public void A_key_that_is_none_is_refused_without_being_shown()
    {
        var error = Assert.Throws<RelocateException>(() => RepositoryKey.FromKeyText("secret-that-is-no-key", "what it printed"));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        RepositoryKey.FromKeyText(" " + new string('a', 64) + "\n", "there");
    }

    public void Dispose() => _workspace.Dispose();

    private RepositoryKey NewKey()
    {
        var file = Path.Combine(_workspace.Root, Guid.NewGuid().ToString("n"));
        RepositoryKey.CreateKeyFile(file);
        return RepositoryKey.FromKeyFile(file);
    }

    private Task<Repository> OpenAsync(RepositoryKey key) => Repository.OpenAsync(DirectoryObjectStore.Open(_workspace.Store), key, Cancellation);

    private Task<SnapshotTaken> TakeAsync(Repository repository, string app, string id) => new Snapshotter(repository, TimeProvider.System).TakeAsync(
        _workspace.Request(id) with { App = app, JournalDirectory = Path.Combine(_workspace.Root, "journal-" + app) }, null, Cancellation);

    private static async Task<List<string>> IdsAsync(Repository repository)
    {
        var ids = new List<string>();
        await foreach (var manifest in repository.Snapshots.ListAsync(Cancellation))
            ids.Add(manifest.Id);
        return ids;
    }

    private List<string> Objects(params string[] kinds)
        => [.. kinds.SelectMany(k => Directory.GetFiles(Path.Combine(_workspace.Store, k))).Select(f => $"{Path.GetFileName(f)} {File.GetLastWriteTimeUtc(f):o}").Order(StringComparer.Ordinal)];
}
