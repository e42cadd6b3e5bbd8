using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using StatefulRelocate.Configuration;

namespace StatefulRelocate.Programs;

/// <summary>Options whose values are checked while the command line is read.</summary>
public static class CheckedOptions
{
    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Number(string name, string description, int least, int most, int byDefault) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => byDefault,
        CustomParser = result => int.TryParse(Text(result), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : Refuse<int>(result, name, $"not a number from {least} to {most}"),
    };

    /// <summary>A duration, as <see cref="Duration"/> reads it.</summary>
    public static Option<TimeSpan> Time(string name, string description, TimeSpan most, TimeSpan byDefault) => new(name)
    {
        Description = $"{description} Default: {Duration.Format(byDefault)}.",
        HelpName = "TIME",
        DefaultValueFactory = _ => byDefault,
        CustomParser = result => Duration.TryParse(Text(result), out var time) && time <= most
            ? time
            : Refuse<TimeSpan>(result, name, $"not a time up to {Duration.Format(most)}; write it like {Duration.Format(byDefault)}"),
    };

    /// <summary>An address with a port, or null where it is not given.</summary>
    public static Option<IPEndPoint?> Address(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "ADDRESS:PORT",
        // An address alone would be taken with port 0, which is any.
        CustomParser = result => Text(result) is var text && (text.Contains("]:", StringComparison.Ordinal) || text.Count(static letter => letter == ':') == 1)
            && IPEndPoint.TryParse(text, out var endpoint)
                ? endpoint
                : Refuse<IPEndPoint?>(result, name, "not an address with a port; write it like 127.0.0.1:9464"),
    };

    private static string Text(ArgumentResult result) => result.Tokens[0].Value;

    private static T? Refuse<T>(ArgumentResult result, string name, string why)
    {
        result.AddError($"{name} {Text(result)}: {why}");
        return default;
    }
}
