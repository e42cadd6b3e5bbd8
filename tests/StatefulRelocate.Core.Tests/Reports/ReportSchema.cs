using System.Runtime.CompilerServices;
using System.Text.Json;

namespace StatefulRelocate.Core.Tests.Reports;

/// <summary>Checks documents against <c>docs/report.schema.json</c>: the part of JSON Schema that it uses, and nothing else is allowed in it.</summary>
internal sealed class ReportSchema
{
    private readonly JsonElement _root;

    private ReportSchema(JsonElement root) => _root = root;

    public static ReportSchema Load([CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "report.schema.json");
        return new ReportSchema(JsonDocument.Parse(File.ReadAllText(path)).RootElement);
    }

    public List<string> Violations(JsonElement document)
    {
        var found = new List<string>();
        Check(document, _root, "$", found);
        return found;
    }

    private void Check(JsonElement value, JsonElement schema, string path, List<string> found)
    {
        foreach (var rule in schema.EnumerateObject())
        {
            switch (rule.Name)
            {
                case "$ref":
                    Check(value, _root.GetProperty("$defs").GetProperty(rule.Value.GetString()!["#/$defs/".Length..]), path, found);
                    break;
                case "anyOf":
                    if (!rule.Value.EnumerateArray().Any(one => Fits(value, one, path)))
                        found.Add($"{path}: fits none of the alternatives");
                    break;
                case "type":
                    if (!Types(rule.Value).Any(type => Is(value, type)))
                        found.Add($"{path}: {value.ValueKind} is not {rule.Value}");
                    break;
                case "enum":
                    if (!rule.Value.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)))
                        found.Add($"{path}: {value} is not one of {rule.Value}");
                    break;
                case "minimum":
                    if (value.ValueKind == JsonValueKind.Number && value.GetDouble() < rule.Value.GetDouble())
                        found.Add($"{path}: {value} is below {rule.Value}");
                    break;
                case "required" when value.ValueKind == JsonValueKind.Object:
                    found.AddRange(rule.Value.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{path}: {name} is missing"));
                    break;
                case "properties" when value.ValueKind == JsonValueKind.Object:
                    foreach (var property in value.EnumerateObject())
                    {
                        if (rule.Value.TryGetProperty(property.Name, out var inner))
                            Check(property.Value, inner, $"{path}.{property.Name}", found);
                        else
                            found.Add($"{path}: {property.Name} is not in the schema");
                    }

                    break;
                case "items" when value.ValueKind == JsonValueKind.Array:
                    var index = 0;
                    foreach (var item in value.EnumerateArray())
                        Check(item, rule.Value, $"{path}[{index++}]", found);
                    break;
                case "format":
                    if (value.ValueKind == JsonValueKind.String && !value.TryGetDateTimeOffset(out _))
                        found.Add($"{path}: {value} is no date-time");
                    break;
                case "$schema" or "$id" or "$defs" or "title" or "description" or "additionalProperties" or "required" or "properties" or "items":
                    break;
                default:
                    throw new NotSupportedException($"the schema uses '{rule.Name}'");
            }
        }
    }

    private bool Fits(JsonElement value, JsonElement schema, string path)
    {
        var found = new List<string>();
        Check(value, schema, path, found);
        return found.Count == 0;
    }

    private static IEnumerable<string> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(static one => one.GetString()!) : [type.GetString()!];

    private static bool Is(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => throw new NotSupportedException($"type {type}"),
    };
}
