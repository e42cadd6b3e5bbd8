using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Snapshots.Leases;

/// <summary>The writer records of a repository: <c>leases/&lt;app&gt;</c>, each change a put-if-match.</summary>
public sealed class WriterRecordStore
{
    private readonly Repository _repository;

    /// <summary>Makes one.</summary>
    /// <exception cref="RelocateException">
    /// The repository's store keeps no conditions. A put of ours whose answer was lost could then take effect late and turn the record back to an older
    /// writer, while the newer one runs the app; so nothing is begun there.
    /// </exception>
    public WriterRecordStore(Repository repository)
    {
        if (!repository.StoreKeepsConditions)
            throw new RelocateException(
                $"{repository.Store.Description}: its server knows no conditional writes, so it cannot hold the record of who may run an app; relocate through a directory, Amazon S3, Azure, or a MinIO or Ceph that knows If-Match (docs/object-stores.md)");
        _repository = repository;
    }

    /// <summary>Reads the record of an app, or null when it never had one.</summary>
    /// <exception cref="ObjectStoreException">The store cannot be reached, or the repository is not there any more.</exception>
    public async Task<WriterRecordVersion?> ReadAsync(string app, CancellationToken cancellationToken)
    {
        var name = Name(app);
        if (await _repository.Store.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } stored)
        {
            await _repository.RequirePresentAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }

        var content = _repository.Keys.Open("lease", name, stored.Content);
        try
        {
            var record = JsonSerializer.Deserialize(content, CoreJson.Default.WriterRecord);
            if (record?.App == app)
                return new WriterRecordVersion(record, stored.Version);
        }
        catch (JsonException error)
        {
            throw new DamageException(name, "it is no writer record", error);
        }

        throw new DamageException(name, "it is the writer record of another app");
    }

    /// <summary>
    /// Writes the next record if the current one is still <paramref name="expected"/> (null: if there is none). An unclear answer is
    /// settled by reading back and comparing <see cref="WriterRecord.ChangeId"/>, which must be fresh for each change.
    /// </summary>
    /// <exception cref="ObjectStoreException">The store cannot be reached, and what stands in it is unknown.</exception>
    public async Task<WriterSwap> SwapAsync(WriterRecordVersion? expected, WriterRecord next, CancellationToken cancellationToken)
    {
        var name = Name(next.App);
        await _repository.RequirePresentAsync(cancellationToken).ConfigureAwait(false);
        var content = _repository.Keys.Seal("lease", name, JsonSerializer.SerializeToUtf8Bytes(next, CoreJson.Default.WriterRecord));
        var condition = expected is null ? PutCondition.IfAbsent : PutCondition.IfMatch(expected.Version);
        try
        {
            if (await _repository.Store.PutAsync(name, content, condition, cancellationToken).ConfigureAwait(false) is { } version)
                return new WriterSwap(true, new WriterRecordVersion(next, version));
        }
        catch (ObjectStoreException)
        {
            // Unclear: it may have taken effect. What stands there now decides.
            var found = await ReadAsync(next.App, cancellationToken).ConfigureAwait(false);
            if (found?.Record.ChangeId != next.ChangeId && found?.Version == expected?.Version)
                throw;
            return new WriterSwap(found?.Record.ChangeId == next.ChangeId, found);
        }

        var current = await ReadAsync(next.App, cancellationToken).ConfigureAwait(false);
        return new WriterSwap(current?.Record.ChangeId == next.ChangeId, current);
    }

    private static string Name(string app)
    {
        if (app.Length is 0 or > 120 || app.StartsWith('.') || !app.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-'))
            throw new RelocateException($"'{app}' is no app name: use a-z, 0-9 and '-'");
        return "leases/" + app;
    }
}

/// <summary>A record and the version that was read.</summary>
public sealed record WriterRecordVersion(WriterRecord Record, string Version);

/// <summary>Whether the swap took effect, and what stands in the store now.</summary>
public sealed record WriterSwap(bool Won, WriterRecordVersion? Current);
