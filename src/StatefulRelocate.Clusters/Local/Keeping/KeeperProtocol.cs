using System.Collections.Immutable;
using System.Net.Sockets;
using StatefulRelocate.Clusters.Local.Native;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>What is asked of a keeper: one JSON line, one connection.</summary>
internal sealed record KeeperRequest
{
    public const string Start = "start";
    public const string Stop = "stop";
    public const string Freeze = "freeze";
    public const string Kill = "kill";
    public const string Status = "status";
    public const string Execute = "execute";
    public const string ShutDown = "shut-down";

    /// <summary>Never answered: the connection ends when the keeper does.</summary>
    public const string Watch = "watch";

    public required string Verb { get; init; }

    /// <summary>What <see cref="Execute"/> runs.</summary>
    public ImmutableArray<string> Command { get; init; } = [];

    public string? User { get; init; }

    public TimeSpan Timeout { get; init; }
}

/// <summary>What the keeper answers: one JSON line.</summary>
internal sealed record KeeperReply
{
    public string? ErrorCode { get; init; }

    public string? Error { get; init; }

    public bool Retryable { get; init; } = true;

    public AppRunState State { get; init; }

    public ImmutableArray<int> ProcessIds { get; init; } = [];

    /// <summary>One line for each process that is not running: why.</summary>
    public string? Note { get; init; }

    /// <summary>The exit code of what <see cref="KeeperRequest.Execute"/> ran, or null when it was killed at its timeout.</summary>
    public int? ExitCode { get; init; }
}

/// <summary>
/// The control socket. A socket's path may have 107 bytes, a state directory any length: so the directory is opened, and
/// the socket is reached through <c>/proc/self/fd</c>.
/// </summary>
internal static class ControlSocket
{
    public static Socket Listen(string directory)
    {
        File.Delete(Path.Combine(directory, AppLayout.SocketName));
        var descriptor = OpenDirectory(directory);
        try
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(EndPoint(descriptor));
            File.SetUnixFileMode(Path.Combine(directory, AppLayout.SocketName), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(64);
            return socket;
        }
        finally
        {
            _ = Libc.close(descriptor);
        }
    }

    public static Socket Connect(string directory)
    {
        var descriptor = OpenDirectory(directory);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(EndPoint(descriptor));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        finally
        {
            _ = Libc.close(descriptor);
        }
    }

    private static UnixDomainSocketEndPoint EndPoint(int descriptor) => new($"/proc/self/fd/{descriptor}/{AppLayout.SocketName}");

    private static int OpenDirectory(string directory)
    {
        var descriptor = Libc.open(directory, Libc.OPath | Libc.ODirectory | Libc.OCloseOnExec, 0);
        return descriptor >= 0 ? descriptor : throw new SocketException((int)SocketError.AddressNotAvailable);
    }
}
