using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Demo;

/// <summary>
/// Addresses in 127/8 that no other demo uses. While it lives it listens on one agreed port of each, so that two demos that pick the same
/// address see each other, however long before the app itself listens there.
/// </summary>
internal sealed class LoopbackReservation : IDisposable
{
    private const int AgreedPort = 47653;
    private readonly List<Socket> _held = [];

    private LoopbackReservation()
    {
    }

    public List<IPAddress> Addresses { get; } = [];

    /// <summary>Takes that many addresses on which all the given TCP and UDP ports are free.</summary>
    public static LoopbackReservation Take(int count, params ReadOnlySpan<int> ports)
    {
        var reservation = new LoopbackReservation();
        for (var tries = 0; reservation.Addresses.Count < count; tries++)
        {
            if (tries == 200)
            {
                reservation.Dispose();
                throw new RelocateException($"127.0.0.0/8: found no address with the ports {string.Join(", ", ports.ToArray())} free in 200 tries; stop what listens there on all addresses");
            }

            var address = new IPAddress([127, (byte)RandomNumberGenerator.GetInt32(16, 240), (byte)RandomNumberGenerator.GetInt32(1, 255), (byte)RandomNumberGenerator.GetInt32(1, 255)]);
            if (TryListen(address, AgreedPort) is not { } held)
                continue;
            if (AllFree(address, ports))
            {
                reservation._held.Add(held);
                reservation.Addresses.Add(address);
            }
            else
            {
                held.Dispose();
            }
        }

        return reservation;
    }

    public void Dispose()
    {
        foreach (var socket in _held)
            socket.Dispose();
        _held.Clear();
    }

    private static bool AllFree(IPAddress address, ReadOnlySpan<int> ports)
    {
        foreach (var port in ports)
        {
            using var tcp = TryListen(address, port);
            using var udp = TryBind(address, port, SocketType.Dgram, ProtocolType.Udp);
            if (tcp is null || udp is null)
                return false;
        }

        return true;
    }

    private static Socket? TryListen(IPAddress address, int port)
    {
        var socket = TryBind(address, port, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket?.Listen();
            return socket;
        }
        catch (SocketException)
        {
            socket?.Dispose();
            return null;
        }
    }

    private static Socket? TryBind(IPAddress address, int port, SocketType type, ProtocolType protocol)
    {
        var socket = new Socket(AddressFamily.InterNetwork, type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
