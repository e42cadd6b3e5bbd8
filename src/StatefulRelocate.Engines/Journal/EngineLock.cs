using System.Globalization;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Engines;

/// <summary>
/// The right to carry out what the journal says: one process at a time, by an exclusive lock on a file beside the journal, which the
/// kernel takes back when the process dies.
/// </summary>
public sealed class EngineLock : IDisposable
{
    private readonly FileStream _file;

    private EngineLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, or returns null while another process holds it.</summary>
    /// <param name="path">The lock file.</param>
    /// <exception cref="RelocateException">The file cannot be made.</exception>
    public static EngineLock? TryTake(string path)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            File.WriteAllText(path + ".pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new EngineLock(file);
        }
        catch (IOException error) when (file is null && error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            file?.Dispose();
            throw new RelocateException($"{path}: cannot make the engine's lock file: {error.Message}", inner: error);
        }
    }

    /// <summary>The process that took the lock last, or null; for messages only.</summary>
    public static int? LastHolder(string path) =>
        File.Exists(path + ".pid") && int.TryParse(File.ReadAllText(path + ".pid"), CultureInfo.InvariantCulture, out var pid) ? pid : null;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
