using StatefulRelocate.Core.Leases;

namespace StatefulRelocate.Snapshots.Leases;

/// <summary>The writer records of a repository: <c>leases/&lt;app&gt;</c>, each change a put-if-match.</summary>
public sealed class WriterRecordStore
{
    private readonly Repository _repository;

    /// <summary>Makes one.</summary>
    public WriterRecordStore(Repository repository) => _repository = repository;

    /// <summary>Reads the record of an app, or null when it never had one.</summary>
    public Task<WriterRecordVersion?> ReadAsync(string app, CancellationToken cancellationToken) => throw new NotSupportedException(_repository.Id);

    /// <summary>
    /// Writes the next record if the current one is still <paramref name="expected"/> (null: if there is none). An unclear answer is
    /// settled by reading back and comparing <see cref="WriterRecord.ChangeId"/>, which must be fresh for each change.
    /// </summary>
    public Task<WriterSwap> SwapAsync(WriterRecordVersion? expected, WriterRecord next, CancellationToken cancellationToken) => throw new NotSupportedException(_repository.Id);
}

/// <summary>A record and the version that was read.</summary>
public sealed record WriterRecordVersion(WriterRecord Record, string Version);

/// <summary>Whether the swap took effect, and what stands in the store now.</summary>
public sealed record WriterSwap(bool Won, WriterRecordVersion? Current);
