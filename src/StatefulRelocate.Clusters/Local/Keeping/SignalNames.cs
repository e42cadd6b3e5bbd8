using System.Globalization;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>Signals by name: signal(7), the numbers of x86-64 and arm64.</summary>
internal static class SignalNames
{
    private static readonly Dictionary<string, int> Numbers = new(StringComparer.Ordinal)
    {
        ["HUP"] = 1,
        ["INT"] = 2,
        ["QUIT"] = 3,
        ["ABRT"] = 6,
        ["KILL"] = 9,
        ["USR1"] = 10,
        ["USR2"] = 12,
        ["TERM"] = 15,
        ["WINCH"] = 28,
        ["PWR"] = 30,
    };

    /// <summary>The number of a name, with or without <c>SIG</c>, or of a number; null when there is none.</summary>
    public static int? Find(string name)
    {
        var plain = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        return Numbers.TryGetValue(plain, out var number) ? number
            : int.TryParse(plain, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and <= 64 ? number
            : null;
    }

    public static string All => string.Join(", ", Numbers.Keys);
}
