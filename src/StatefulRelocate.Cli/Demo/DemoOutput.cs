using System.Diagnostics;
using System.Globalization;

namespace StatefulRelocate.Cli.Demo;

/// <summary>Where the demo says what it does: standard output, or standard error when standard output carries the JSON document.</summary>
internal sealed class DemoOutput(bool json)
{
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>Whether bars can be drawn.</summary>
    public bool IsTerminal { get; } = !json && !Console.IsOutputRedirected;

    private TextWriter Writer { get; } = json ? Console.Error : Console.Out;

    /// <summary>One line, with the time since the demo began.</summary>
    public void Say(string line) =>
        Writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_began).TotalSeconds,6:0.0} s  {line}"));
}
