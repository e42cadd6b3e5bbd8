using System.Buffers.Binary;
using ARSoft.Tools.Net.Dns;

namespace StatefulRelocate.Dns.Serving;

/// <summary>Judges a packet by its header, and by whether it can be read at all.</summary>
internal static class PacketScreen
{
    private const int HeaderLength = 12; // RFC 1035 §4.1.1
    private const int ResponseFlag = 0x80;
    private const int FormatError = 1;
    private const int NotImplemented = 4;

    /// <summary>What to send instead of an answer, with the two bytes for its length in front; null for nothing.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="problem">What is wrong with it, or null: then it is a query to be answered.</param>
    public static byte[]? Refusal(ArraySegment<byte> packet, out string? problem)
    {
        problem = null;
        if (packet.Count < HeaderLength)
        {
            problem = $"only {packet.Count} bytes, ignored";
            return null;
        }

        if ((packet[2] & ResponseFlag) != 0)
        {
            // Answering answers lets two servers talk to each other for ever.
            problem = "an answer nobody asked for, ignored";
            return null;
        }

        if ((packet[2] >> 3 & 0xf) != 0)
        {
            problem = "an operation other than a query, answered NOTIMP";
            return Header(packet, NotImplemented);
        }

        try
        {
            _ = DnsMessage.Parse(packet);
            return null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            problem = $"malformed ({error.Message}), answered FORMERR";
            return Header(packet, FormatError);
        }
    }

    private static byte[] Header(ArraySegment<byte> packet, int code)
    {
        var refusal = new byte[DnsRawPackage.LENGTH_HEADER_LENGTH + HeaderLength];
        var header = refusal.AsSpan(DnsRawPackage.LENGTH_HEADER_LENGTH);
        BinaryPrimitives.WriteUInt16BigEndian(refusal, HeaderLength);
        packet[..2].AsSpan().CopyTo(header);
        // Operation and "recursion desired" are given back.
        header[2] = (byte)(ResponseFlag | (packet[2] & 0x79));
        header[3] = (byte)code;
        return refusal;
    }
}
