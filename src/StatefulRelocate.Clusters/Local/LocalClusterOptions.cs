using System.Collections.Immutable;

namespace StatefulRelocate.Clusters.Local;

/// <summary>What a cluster on this machine is made of.</summary>
public sealed record LocalClusterOptions
{
    /// <summary>The cluster's name.</summary>
    public required string Name { get; init; }

    /// <summary>The address on which its apps serve, as in <c>127.0.0.11</c>.</summary>
    public required string Address { get; init; }

    /// <summary>The cluster's own directory (absolute); made with mode 0700 when it is missing. Apps live below <c>apps/</c>.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>The command that runs <see cref="Keeper.RunAsync"/>; <c>--app-directory DIR</c> is added to it.</summary>
    public required ImmutableArray<string> KeeperCommand { get; init; }

    /// <summary>The clock of waits and back-offs. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How a freeze may be done. Default: <see cref="FreezerKind.Any"/>.</summary>
    public FreezerKind Freezer { get; init; } = FreezerKind.Any;

    /// <summary>The size at which a process's log is moved to <c>NAME.log.1</c>. Default: 8 MiB.</summary>
    public long MaxLogBytes { get; init; } = 8 << 20;

    /// <summary>The wait before the first restart of a process that ended; doubled up to 100 times of it while it keeps ending. Default: 100 ms.</summary>
    public TimeSpan RestartDelay { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>How all processes of an app are suspended.</summary>
public enum FreezerKind
{
    /// <summary>The app's own cgroup where one can be had, else signals.</summary>
    Any,

    /// <summary>A cgroup of version 2 (<c>cgroup.freeze</c>), else signals.</summary>
    CgroupV2,

    /// <summary>A cgroup of version 1 (the <c>freezer</c> controller), else signals.</summary>
    CgroupV1,

    /// <summary>SIGSTOP to every descendant.</summary>
    Signals,
}
