using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace StatefulRelocate.Hosting;

/// <summary>A line of a program's log: the time, who speaks and what. How an error came about is shown where details are wanted.</summary>
internal sealed class LineFormatter(bool verbose, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var severity = logEntry.LogLevel switch
        {
            LogLevel.Critical or LogLevel.Error => "error: ",
            LogLevel.Warning => "warning: ",
            _ => "",
        };
        var error = logEntry.Exception is null ? "" : verbose ? $"\n{logEntry.Exception}" : $": {logEntry.Exception.Message.ReplaceLineEndings(" ")}";
        textWriter.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {logEntry.Category}: {severity}{logEntry.Formatter(logEntry.State, null)}{error}"));
    }
}
