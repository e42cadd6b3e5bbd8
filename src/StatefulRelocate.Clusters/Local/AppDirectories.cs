using System.ComponentModel;
using System.Runtime.InteropServices;
using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Clusters.Local.Native;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Local;

/// <summary>Makes an app's directories, closed to everybody else, yet with a way through for the users that its processes run as.</summary>
internal static class AppDirectories
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode WayThrough = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static void Make(AppLayout layout)
    {
        foreach (var directory in new[] { layout.Directory, layout.KeeperDirectory, layout.Logs, layout.Volumes })
        {
            if (Directory.Exists(directory))
                continue;
            Directory.CreateDirectory(directory, OwnerOnly);
            DurableFile.FlushDirectory(Path.GetDirectoryName(directory)!);
        }
    }

    /// <summary>
    /// Another user has to pass every directory above its volume. Those that the cluster made get the bit to pass (not to
    /// list); one above them that is closed is an error, because it is not ours to open.
    /// </summary>
    public static void OpenWay(AppDefinition definition, AppLayout layout, string stateDirectory)
    {
        if (!definition.Processes.Any(process => ProcessLauncher.AccountOf(process.User, $"process {process.Name}") is not null))
            return;
        var own = OwnTop(Path.GetFullPath(stateDirectory));
        for (var directory = layout.Volumes; directory is { Length: > 1 }; directory = Path.GetDirectoryName(directory)!)
        {
            var mode = File.GetUnixFileMode(directory);
            if ((mode & UnixFileMode.OtherExecute) != 0)
                continue;
            if (directory.Length < own.Length)
                throw new ClusterException("way-closed", $"app {definition.Name}: its users cannot pass {directory}; 'chmod o+x {directory}', or choose another state directory", retryable: false);
            File.SetUnixFileMode(directory, mode | WayThrough);
        }
    }

    /// <summary>Makes the volumes that are not there, owned by the user of the first process that has one.</summary>
    public static void MakeVolumes(AppDefinition definition, AppLayout layout)
    {
        var account = definition.Processes.Select(process => ProcessLauncher.AccountOf(process.User, $"process {process.Name}")).FirstOrDefault(account => account is not null);
        foreach (var volume in definition.Volumes)
        {
            var path = layout.Volume(volume.Name);
            if (Directory.Exists(path))
                continue;
            Directory.CreateDirectory(path, OwnerOnly);
            if (account is not null && Libc.chown(path, account.UserId, account.GroupId) != 0)
                throw new ClusterException("volume-failed", $"{path}: cannot be given to user {account.Name}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    /// <summary>The state directory, or, in the usual layout <c>STATE/clusters/NAME</c>, the top of what this program made.</summary>
    private static string OwnTop(string stateDirectory)
    {
        var clusters = Path.GetDirectoryName(stateDirectory);
        return clusters is not null && Path.GetFileName(clusters) == "clusters" && Path.GetDirectoryName(clusters) is { Length: > 1 } top && top != Environment.GetEnvironmentVariable("HOME")
            ? top
            : stateDirectory;
    }
}
