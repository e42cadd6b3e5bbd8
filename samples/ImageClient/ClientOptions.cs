using System.Globalization;
using System.Net;

namespace ImageClient;

/// <summary>The command line.</summary>
internal sealed record ClientOptions
{
    private const string Usage = "usage: ImageClient --url http://NAME:PORT --dns ADDRESS:PORT --rate N --log FILE [--pin]";

    public required Uri Url { get; init; }

    public required IPEndPoint Dns { get; init; }

    /// <summary>Writes a second.</summary>
    public required double Rate { get; init; }

    public required string Log { get; init; }

    /// <summary>Resolve once, and stay there.</summary>
    public bool Pin { get; init; }

    public static ClientOptions Parse(string[] arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var pin = false;
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == "--pin")
                pin = true;
            else if (arguments[i] is "--url" or "--dns" or "--rate" or "--log")
                values[arguments[i]] = ++i < arguments.Length ? arguments[i] : throw new ArgumentException($"{arguments[i - 1]} needs a value; {Usage}");
            else
                throw new ArgumentException($"'{arguments[i]}' is unknown; {Usage}");
        }

        return new ClientOptions
        {
            Url = Uri.TryCreate(Given("--url"), UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp ? url : throw new ArgumentException("--url is not http://NAME:PORT"),
            Dns = IPEndPoint.TryParse(Given("--dns"), out var dns) && dns.Port > 0 ? dns : throw new ArgumentException("--dns is not ADDRESS:PORT"),
            Rate = double.TryParse(Given("--rate"), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate is > 0 and <= 10_000
                ? rate
                : throw new ArgumentException("--rate is not a number of writes a second, above 0 and at most 10000"),
            Log = Path.GetFullPath(Given("--log")),
            Pin = pin,
        };

        string Given(string name) => values.GetValueOrDefault(name) ?? throw new ArgumentException($"{name} is missing; {Usage}");
    }
}
