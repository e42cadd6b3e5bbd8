using System.Buffers.Binary;
using System.Text;

namespace StatefulRelocate.Dns.Tests;

/// <summary>Packets written by hand, so that nothing of the server's own library is believed.</summary>
internal static class RawQuery
{
    public const int NoError = 0;
    public const int FormatError = 1;
    public const int NameError = 3;
    public const int NotImplemented = 4;
    public const int Refused = 5;

    public static byte[] Of(string name, ushort type, int? payload = null, int ednsVersion = 0, int operation = 0, ushort id = 0x1234)
    {
        var packet = new List<byte> { (byte)(id >> 8), (byte)id, (byte)(operation << 3), 0, 0, 1, 0, 0, 0, 0, 0, (byte)(payload is null ? 0 : 1) };
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            packet.Add((byte)label.Length);
            packet.AddRange(Encoding.ASCII.GetBytes(label));
        }

        packet.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        if (payload is not null)
            packet.AddRange([0, 0, 41, (byte)(payload >> 8), (byte)payload, 0, (byte)ednsVersion, 0, 0, 0, 0]);
        return [.. packet];
    }

    public static int Code(byte[] answer) => answer[3] & 0xf;

    public static bool IsTruncated(byte[] answer) => (answer[2] & 2) != 0;

    public static bool IsAuthoritative(byte[] answer) => (answer[2] & 4) != 0;

    public static int Answers(byte[] answer) => BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(6));

    public static string QuestionName(byte[] answer)
    {
        var labels = new List<string>();
        for (var position = 12; answer[position] != 0; position += answer[position] + 1)
            labels.Add(Encoding.ASCII.GetString(answer, position + 1, answer[position]));
        return string.Join('.', labels);
    }
}
