using System.Globalization;
using System.Net;

namespace ImageServer;

/// <summary>The command line.</summary>
internal sealed record ServerOptions
{
    private const string Usage = "usage: ImageServer --data DIR [--seed SIZE] [--listen ADDRESS:PORT]";

    /// <summary>Where everything is kept; nothing is written elsewhere.</summary>
    public required string Data { get; init; }

    /// <summary>Where to serve; null only to make data.</summary>
    public string? Listen { get; init; }

    /// <summary>How many bytes of data to make first.</summary>
    public long? Seed { get; init; }

    public static ServerOptions Parse(string[] arguments)
    {
        string? data = null, listen = null;
        long? seed = null;
        for (var i = 0; i < arguments.Length; i += 2)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : throw new ArgumentException($"{arguments[i]} needs a value; {Usage}");
            switch (arguments[i])
            {
                case "--data":
                    data = Path.GetFullPath(value);
                    break;
                case "--listen":
                    listen = IPEndPoint.TryParse(value, out var endpoint) && endpoint.Port > 0 ? value : throw new ArgumentException($"--listen '{value}' is not ADDRESS:PORT");
                    break;
                case "--seed":
                    seed = Size(value);
                    break;
                default:
                    throw new ArgumentException($"'{arguments[i]}' is unknown; {Usage}");
            }
        }

        return data is not null && (listen is not null || seed is not null)
            ? new ServerOptions { Data = data, Listen = listen, Seed = seed }
            : throw new ArgumentException(Usage);
    }

    private static long Size(string value)
    {
        (string Unit, long Bytes)[] units = [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("", 1)];
        var (unit, bytes) = units.First(each => value.EndsWith(each.Unit, StringComparison.OrdinalIgnoreCase));
        return long.TryParse(value[..^unit.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? checked(number * bytes)
            : throw new ArgumentException($"--seed '{value}' is not a size such as 256MiB");
    }
}
