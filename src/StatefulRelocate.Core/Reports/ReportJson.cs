using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Core.Reports;

/// <summary>The report's JSON form: camel case, nulls written, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    Converters = [typeof(CamelCaseEnum<RelocationOutcome>), typeof(CamelCaseEnum<StepReportOutcome>)])]
[JsonSerializable(typeof(RelocationReport))]
public sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>The report as one indented document.</summary>
    /// <param name="report">The report.</param>
    public static string Write(RelocationReport report)
    {
        // A reason quotes commands and paths; the document goes to a terminal or a file, never into a page.
        var options = new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        return JsonSerializer.Serialize(report, new ReportJson(options).RelocationReport);
    }
}
