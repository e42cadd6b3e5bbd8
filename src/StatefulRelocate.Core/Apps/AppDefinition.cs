using System.Collections.Immutable;

namespace StatefulRelocate.Core.Apps;

/// <summary>An app as declared in its file: the unit that moves.</summary>
public sealed record AppDefinition
{
    /// <summary>The app's name: lower-case letters, digits and dashes (RFC 1123 label).</summary>
    public required string Name { get; init; }

    /// <summary>The directories that move with the app.</summary>
    public ImmutableArray<AppVolume> Volumes { get; init; } = [];

    /// <summary>The processes, in start order; they stop in reverse.</summary>
    public required ImmutableArray<AppProcess> Processes { get; init; }

    /// <summary>How readiness is seen, or null: ready as soon as all processes run.</summary>
    public ReadinessProbe? Readiness { get; init; }

    /// <summary>Commands run around a move.</summary>
    public AppHooks Hooks { get; init; } = new();
}

/// <summary>A directory that moves with the app.</summary>
public sealed record AppVolume(string Name);

/// <summary>A process of an app. Arguments and environment may use <c>${address}</c>, <c>${cluster}</c> and <c>${volumes.NAME}</c>.</summary>
public sealed record AppProcess
{
    /// <summary>The name, unique within the app.</summary>
    public required string Name { get; init; }

    /// <summary>The program and its arguments; no shell.</summary>
    public required ImmutableArray<string> Command { get; init; }

    /// <summary>The user to run as; needs root. Null: the cluster's own user.</summary>
    public string? User { get; init; }

    /// <summary>Variables beside the inherited ones, sorted by name.</summary>
    public ImmutableSortedDictionary<string, string> Environment { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Where it runs, or null: the app's directory.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>How it is asked to stop.</summary>
    public StopPolicy Stop { get; init; } = new();
}

/// <summary>How a process is asked to stop.</summary>
public sealed record StopPolicy
{
    /// <summary>The signal's name without <c>SIG</c>. Default: <c>TERM</c>.</summary>
    public string Signal { get; init; } = "TERM";

    /// <summary>How long until it and every descendant are killed. Default: 5 s.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>How readiness is seen; exactly one of the three ways is set.</summary>
public sealed record ReadinessProbe
{
    /// <summary>Ready when a GET answers 200 to 399.</summary>
    public HttpProbe? Http { get; init; }

    /// <summary>Ready when a connection is accepted.</summary>
    public TcpProbe? Tcp { get; init; }

    /// <summary>Ready when the command exits with 0.</summary>
    public ExecCommand? Exec { get; init; }

    /// <summary>The time between two probes. Default: 10 ms.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>How long the app may take to get ready. Default: 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>An HTTP probe on the cluster's address.</summary>
public sealed record HttpProbe(int Port, string Path = "/");

/// <summary>A TCP probe on the cluster's address.</summary>
public sealed record TcpProbe(int Port);

/// <summary>A command without a shell; the same variables as in <see cref="AppProcess"/>.</summary>
public sealed record ExecCommand(ImmutableArray<string> Command, string? User = null);

/// <summary>Commands run around a move.</summary>
public sealed record AppHooks
{
    /// <summary>Right before the blackout, the app still serving.</summary>
    public AppHook? Settle { get; init; }

    /// <summary>First thing inside the blackout.</summary>
    public AppHook? Quiesce { get; init; }

    /// <summary>The undo of <see cref="Quiesce"/>, after a thaw or a restart on the source.</summary>
    public AppHook? Unquiesce { get; init; }

    /// <summary>After the start on the target.</summary>
    public AppHook? Started { get; init; }
}

/// <summary>What happens when a hook fails.</summary>
public enum HookErrorPolicy
{
    /// <summary>The step fails.</summary>
    Fail,

    /// <summary>A warning, and on.</summary>
    Ignore,
}

/// <summary>A hook.</summary>
public sealed record AppHook
{
    /// <summary>What is run.</summary>
    public required ExecCommand Exec { get; init; }

    /// <summary>How long it may take. Default: 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What happens when it fails. Default: <see cref="HookErrorPolicy.Fail"/>.</summary>
    public HookErrorPolicy OnError { get; init; } = HookErrorPolicy.Fail;
}
