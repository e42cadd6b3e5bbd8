using System.Globalization;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>A plain log file, and the bound of every log file of the app.</summary>
internal sealed class KeeperLog(string path, TimeProvider time)
{
    private readonly Lock _lock = new();

    public void Write(string line)
    {
        try
        {
            lock (_lock)
                File.AppendAllText(path, string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {line}\n"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk must not stop the keeping.
        }
    }

    /// <summary>
    /// Moves what is above the bound to <c>NAME.log.1</c>. By copy and truncate: the app itself appends to the file, without a pipe through the
    /// keeper, so that it can go on writing when its keeper is killed.
    /// </summary>
    public static void Bound(string file, long maximum)
    {
        try
        {
            if (new FileInfo(file) is not { Exists: true } information || information.Length <= maximum)
                return;
            File.Copy(file, file + ".1", overwrite: true);
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            stream.SetLength(0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next look tries again.
        }
    }
}
