using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>Where one side keeps its journal, and the lock that lets one round at a time use it.</summary>
internal sealed class JournalDirectory : IDisposable
{
    private readonly FileStream _lock;

    private JournalDirectory(string path, FileStream held) => (Root, _lock) = (path, held);

    public string Root { get; }

    public string SourceJournal => Path.Combine(Root, "source.journal");

    /// <summary>What the source's journal refers to.</summary>
    public string SourceChunks => Path.Combine(Root, "source.chunks");

    /// <summary>What this side knows of the repository's index.</summary>
    public string IndexCache => Path.Combine(Root, "index.cache");

    public string TargetJournal => Path.Combine(Root, "target.journal");

    /// <summary>What the target's journal refers to.</summary>
    public string TargetChunks => Path.Combine(Root, "target.chunks");

    /// <summary>Stands from before the first byte that a restore writes until the journal says what the target is at.</summary>
    public string DirtyMark => Path.Combine(Root, "target.dirty");

    /// <summary>The one that is there already, for who only looks; null without one.</summary>
    public static JournalDirectory? OpenExisting(string path) => Directory.Exists(path) ? Open(path) : null;

    public static JournalDirectory Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new JournalDirectory(path, new FileStream(Path.Combine(path, "lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot use the round journal: {error.Message} (is another snapshot or restore of the same directory running?)", inner: error);
        }
    }

    public void Dispose() => _lock.Dispose();
}
