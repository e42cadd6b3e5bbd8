using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace StatefulRelocate.Activities.Streams;

/// <summary>
/// Unix stream sockets on paths of any length. The kernel's address holds 107 bytes (unix(7)); a longer path is reached through its
/// directory: <c>/proc/self/fd/N/agent.sock</c>.
/// </summary>
public static partial class UnixSockets
{
    private const int LongestAddress = 107;

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var address = Address.Of(path);
            await socket.ConnectAsync(address.EndPoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Listens with mode 0600. A socket left by a process that died is replaced; the caller holds a lock of its own that keeps a second
    /// server away.
    /// </summary>
    /// <exception cref="IOException">The directory is missing or cannot be written.</exception>
    public static UnixListener Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        // Bound under another name and moved into place once it has its mode: nobody connects in between.
        var temporary = path + ".new";
        try
        {
            File.Delete(temporary);
            using (var address = Address.Of(temporary))
                socket.Bind(address.EndPoint);
            File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(64);
            File.Move(temporary, path, overwrite: true);
            return new UnixListener(socket, path);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new IOException($"{path}: cannot listen: {error.Message}", error);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class Address : IDisposable
    {
        private readonly SafeFileHandle? _directory;

        private Address(string path, SafeFileHandle? directory) => (EndPoint, _directory) = (new UnixDomainSocketEndPoint(path), directory);

        public UnixDomainSocketEndPoint EndPoint { get; }

        public static Address Of(string path)
        {
            if (System.Text.Encoding.UTF8.GetByteCount(path) <= LongestAddress)
                return new Address(path, null);
            var directory = Path.GetDirectoryName(path)!;
            var handle = Open(directory, OpenPath | OpenCloseOnExec, 0);
            if (handle.IsInvalid)
                throw new SocketException((int)SocketError.AddressNotAvailable, $"{directory}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
            var shorter = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{handle.DangerousGetHandle()}/{Path.GetFileName(path)}");
            return new Address(shorter, handle);
        }

        public void Dispose() => _directory?.Dispose();
    }

    // open(2), Linux on x86-64 and arm64 share these two.
    private const int OpenPath = 0x200000;
    private const int OpenCloseOnExec = 0x80000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);
}

/// <summary>A listening Unix socket; the file goes when it is disposed.</summary>
public sealed class UnixListener : IDisposable
{
    private readonly Socket _socket;
    private readonly string _path;

    internal UnixListener(Socket socket, string path) => (_socket, _path) = (socket, path);

    /// <summary>The next connection.</summary>
    public async Task<Stream> AcceptAsync(CancellationToken cancellationToken) =>
        new NetworkStream(await _socket.AcceptAsync(cancellationToken).ConfigureAwait(false), ownsSocket: true);

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        File.Delete(_path);
    }
}
