using System.Collections.Immutable;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Clusters;

/// <summary>
/// One cluster as the activities of its agent see it. Everything is idempotent and durable: what a method promised before a crash
/// of this process holds after it. Nothing starts an app unless <see cref="AppWriterState.MayRun"/>.
/// </summary>
public interface ICluster
{
    /// <summary>The cluster's name.</summary>
    string Name { get; }

    /// <summary>The address on which its apps serve.</summary>
    string Address { get; }

    /// <summary>The names of the apps this cluster knows, sorted.</summary>
    IReadOnlyList<string> Apps { get; }

    /// <summary>The directory that holds everything of one app on this cluster (mode 0700); agents keep their own durable files here.</summary>
    string AppDirectory(string app);

    /// <summary>The directory of one of the app's volumes. It may not exist yet.</summary>
    string VolumePath(string app, string volume);

    /// <summary>What is known about an app, or null when the cluster does not know it.</summary>
    Task<ClusterApp?> FindAsync(string app, CancellationToken cancellationToken);

    /// <summary>Makes the app known, without starting it; its desired state becomes stopped. Checks what a start would need (users, free ports, programs).</summary>
    Task InstallAsync(AppDefinition definition, CancellationToken cancellationToken);

    /// <summary>Forgets an app whose processes are gone, with its keeper and logs; volumes only when asked.</summary>
    Task RemoveAsync(string app, bool deleteVolumes, CancellationToken cancellationToken);

    /// <summary>The durable copy of the writer record, and the fence.</summary>
    AppWriterState ReadWriterState(string app);

    /// <summary>Replaces the durable copy (fsynced before it returns). The keeper reads it before every start, restart and thaw.</summary>
    void WriteWriterState(string app, AppWriterState state);

    /// <summary>Starts the app's processes and keeps them running. Fails unless the writer state allows it.</summary>
    Task StartAsync(string app, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the app silent: durable intent first (nothing restarts it from then on), then stop in order with grace and kill, or
    /// freeze: every descendant, whatever its group or session, until a whole pass finds every thread stopped.
    /// </summary>
    Task QuiesceAsync(string app, QuiesceMode mode, CancellationToken cancellationToken);

    /// <summary>The undo: thaws a frozen app, restarts a stopped one. Fails unless the writer state allows it.</summary>
    Task UnquiesceAsync(string app, CancellationToken cancellationToken);

    /// <summary>Kills every process of the app at once, frozen ones included, until no descendant is left. Desired state becomes stopped.</summary>
    Task KillAsync(string app, CancellationToken cancellationToken);

    /// <summary>Looks at every process: is the app silent, and is no other process writing to its volumes?</summary>
    Task<SilenceProof> ProveSilentAsync(string app, CancellationToken cancellationToken);

    /// <summary>Files below the app's volumes that a process of the app maps shared and writable; absolute paths, sorted.</summary>
    Task<ImmutableArray<string>> FindSharedWritableMappingsAsync(string app, CancellationToken cancellationToken);

    /// <summary>Waits until the app is ready, at most its probe's timeout. Throws <see cref="ClusterException"/> with what was last seen.</summary>
    Task WaitReadyAsync(string app, CancellationToken cancellationToken);

    /// <summary>Runs a hook with its timeout. A failure throws unless its policy is to ignore, then it is a warning in the result.</summary>
    Task<string?> RunHookAsync(string app, AppHook hook, CancellationToken cancellationToken);
}

/// <summary>What a cluster says about an app.</summary>
public sealed record ClusterApp(AppDefinition Definition, AppRunState State, ImmutableArray<int> ProcessIds);

/// <summary>What an app does on a cluster.</summary>
public enum AppRunState
{
    /// <summary>No process.</summary>
    Stopped,

    /// <summary>All processes run.</summary>
    Running,

    /// <summary>Some process waits for its restart.</summary>
    Restarting,

    /// <summary>Every process is suspended.</summary>
    Frozen,
}

/// <summary>The agent's durable copy of the writer record, and whether a fence was set since.</summary>
public sealed record AppWriterState
{
    /// <summary>The copy, or null when this app was never part of a relocation.</summary>
    public WriterRecord? Record { get; init; }

    /// <summary>The repository that the copy is of, by its name in the agent's configuration; null where nothing was kept yet.</summary>
    public string? Repository { get; init; }

    /// <summary>Whether a fence stands: nothing starts, restarts or thaws the app until a swap in the store lifts it.</summary>
    public bool Fenced { get; init; }

    /// <summary>The highest epoch this agent has seen for the app.</summary>
    public long HighestEpoch { get; init; }

    /// <summary>Whether this cluster may start or restart the app without asking the store.</summary>
    /// <param name="cluster">This cluster's name.</param>
    public bool MayRun(string cluster) => !Fenced && (Record is null || string.Equals(Record.Writer, cluster, StringComparison.Ordinal));
}

/// <summary>What a look at every process found.</summary>
public sealed record SilenceProof
{
    /// <summary>Whether every recorded process and descendant is gone or suspended, and no foreign process writes.</summary>
    public required bool Silent { get; init; }

    /// <summary>Processes of the app that are suspended.</summary>
    public ImmutableArray<int> Suspended { get; init; } = [];

    /// <summary>Why not silent, one line each, with process ids and names.</summary>
    public ImmutableArray<string> Reasons { get; init; } = [];
}

/// <summary>A cluster could not do what it was asked; the message is one line for the operator.</summary>
public sealed class ClusterException : Exception
{
    /// <summary>Makes one.</summary>
    public ClusterException(string code, string message, bool retryable = true, Exception? inner = null) : base(message, inner)
        => (Code, Retryable) = (code, retryable);

    /// <summary>A short stable code.</summary>
    public string Code { get; }

    /// <summary>Whether another attempt can help.</summary>
    public bool Retryable { get; }
}
