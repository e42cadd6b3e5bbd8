using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Storage;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Repositories;

public sealed class RepositoryTests : IDisposable
{
    private readonly Workspace _workspace = new();

    private static CancellationToken Cancellation => Workspace.Cancellation;

    [Fact]
    public async Task A_passphrase_opens_what_it_made_and_another_does_not()
    {
        var store = DirectoryObjectStore.Open(_workspace.Store);
        var made = await Repository.InitializeAsync(store, RepositoryKey.FromPassphrase(Workspace.Passphrase), Cancellation);
        await made.PutSealedAsync("apps/web/r-1", "secret"u8.ToArray(), Cancellation);
        var opened = await Repository.OpenAsync(store, RepositoryKey.FromPassphrase(Workspace.Passphrase), Cancellation);
        Assert.Equal("secret", Encoding.UTF8.GetString((await opened.GetSealedAsync("apps/web/r-1", Cancellation))!));
        var error = await Assert.ThrowsAsync<RelocateException>(() => Repository.OpenAsync(store, RepositoryKey.FromPassphrase("wrong"), Cancellation));
        Assert.Contains("wrong passphrase", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.BadInput, error.ExitCode);
    }

    [Fact]
    public async Task Nothing_and_another_version_and_a_second_init_are_refused()
    {
        var store = DirectoryObjectStore.Open(_workspace.Store);
        var key = RepositoryKey.FromKeyFile(_workspace.KeyFile);
        Assert.Contains("not a repository", (await Assert.ThrowsAsync<RelocateException>(() => Repository.OpenAsync(store, key, Cancellation))).Message, StringComparison.Ordinal);
        await _workspace.RepositoryAsync();
        Assert.Contains("already", (await Assert.ThrowsAsync<RelocateException>(() => Repository.InitializeAsync(store, key, Cancellation))).Message, StringComparison.Ordinal);
        var config = Path.Combine(_workspace.Store, "config");
        var text = await File.ReadAllTextAsync(config, Cancellation);
        await File.WriteAllTextAsync(config, text.Replace("\"version\":0", "\"version\":7", StringComparison.Ordinal), Cancellation);
        Assert.Contains("version 7", (await Assert.ThrowsAsync<RelocateException>(() => Repository.OpenAsync(store, key, Cancellation))).Message, StringComparison.Ordinal);

        // As an earlier program of version 0 made it.
        await File.WriteAllTextAsync(config, text.Replace("\"chunkBlocks\":128,", "", StringComparison.Ordinal), Cancellation);
        Assert.Contains("parameters that this program does not know", (await Assert.ThrowsAsync<RelocateException>(() => Repository.OpenAsync(store, key, Cancellation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sealed_object_changed_or_put_under_another_name_does_not_open()
    {
        var repository = await _workspace.RepositoryAsync();
        await repository.PutSealedAsync("apps/web/r-1", "one"u8.ToArray(), Cancellation);
        await repository.PutSealedAsync("apps/web/r-2", "two"u8.ToArray(), Cancellation);
        Assert.DoesNotContain("one", await File.ReadAllTextAsync(Path.Combine(_workspace.Store, "apps/web/r-1"), Cancellation), StringComparison.Ordinal);
        File.Copy(Path.Combine(_workspace.Store, "apps/web/r-1"), Path.Combine(_workspace.Store, "apps/web/r-2"), overwrite: true);
        await Assert.ThrowsAsync<DamageException>(() => repository.GetSealedAsync("apps/web/r-2", Cancellation));
        await repository.DeleteSealedAsync("apps/web/r-1", Cancellation);
        Assert.Null(await repository.GetSealedAsync("apps/web/r-1", Cancellation));
    }

    [Fact]
    public async Task A_lost_answer_of_a_swap_is_settled_by_reading_back()
    {
        var repository = await _workspace.RepositoryAsync();
        var lossy = await Repository.OpenAsync(new LosesAnswers(repository.Store), RepositoryKey.FromKeyFile(_workspace.KeyFile), Cancellation);
        var records = new WriterRecordStore(lossy);
        var swap = await records.SwapAsync(null, Record("a", 1), Cancellation);
        Assert.True(swap.Won);
        Assert.True((await records.SwapAsync(swap.Current, Record("b", 2), Cancellation)).Won);
        var late = await records.SwapAsync(swap.Current, Record("c", 3), Cancellation);
        Assert.False(late.Won);
        Assert.Equal("b", late.Current!.Record.Writer);
    }

    [Fact]
    public async Task A_vanished_repository_does_not_read_as_no_record()
    {
        var records = new WriterRecordStore(await _workspace.RepositoryAsync());
        Assert.Null(await records.ReadAsync("web", Cancellation));
        Directory.Move(_workspace.Store, _workspace.Store + ".away");
        await Assert.ThrowsAsync<ObjectStoreException>(() => records.ReadAsync("web", Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => records.SwapAsync(null, Record("a", 1), Cancellation));
        Assert.False(Directory.Exists(_workspace.Store));
    }

    public void Dispose() => _workspace.Dispose();

    private static WriterRecord Record(string writer, long epoch) => new() { App = "web", Epoch = epoch, Writer = writer, ChangeId = Guid.NewGuid().ToString("n") };

    /// <summary>Every conditional put of a lease takes effect, and its answer is lost.</summary>
    private sealed class LosesAnswers(IObjectStore inner) : PassingStore(inner)
    {
        public override async Task<string?> PutAsync(string name, ReadOnlyMemory<byte> content, PutCondition condition, CancellationToken cancellationToken)
        {
            await base.PutAsync(name, content, condition, cancellationToken);
            throw new ObjectStoreException("the answer was lost");
        }
    }
}
