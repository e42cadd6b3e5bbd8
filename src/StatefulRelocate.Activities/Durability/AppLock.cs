using StatefulRelocate.Clusters;

namespace StatefulRelocate.Activities.Durability;

/// <summary>
/// One hand at a time on an app's writer state, volumes and processes: a step, an undo or the blackout guard. It is a file lock
/// (flock), so that a crash frees it and a second agent on the same state directory is kept out as well.
/// </summary>
internal static class AppLock
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(2);

    public static async Task<IDisposable> TakeAsync(ICluster cluster, string app, CancellationToken cancellationToken)
    {
        var directory = cluster.AppDirectory(app);
        var path = Path.Combine(directory, "effects.lock");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Directory.Exists(directory))
            {
                await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
