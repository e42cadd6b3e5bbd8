using System.Text.Json;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Engines.Temporal.Client.Contract;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>The forms in which the input of a relocation's workflow is written: in full, or by hand as a bare plan or a bare spec.</summary>
internal static class InputForms
{
    /// <summary>Reads any of them.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static RelocationInput Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new JsonException("it is no object");
        if (root.TryGetProperty("steps", out _))
            return new RelocationInput { Plan = root.Deserialize(CoreJson.Default.RelocationPlan) };
        return root.TryGetProperty("app", out _)
            ? new RelocationInput { Spec = root.Deserialize(CoreJson.Default.RelocationSpec) }
            : root.Deserialize(ContractJson.Default.RelocationInput)!;
    }
}
