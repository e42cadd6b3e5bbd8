using System.Text.Json;
using System.Text.Json.Nodes;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Engines.Temporal.Client.Contract;

/// <summary>
/// The forms in which the input of a relocation's workflow is written: in full, or by hand as a bare plan or a bare spec, in which what is left out has its
/// default, also within <c>cutover</c> and <c>dns</c>.
/// </summary>
public static class InputForms
{
    /// <summary>Reads any of them.</summary>
    /// <param name="json">UTF-8.</param>
    /// <exception cref="JsonException">It is none.</exception>
    /// <exception cref="UnknownMachineVersionException">Its plan is for another machine, and may have another form.</exception>
    public static RelocationInput Read(ReadOnlySpan<byte> json)
    {
        if (JsonNode.Parse(json) is not JsonObject root)
            throw new JsonException("it must be an object");
        var plan = root.ContainsKey("steps") ? root : root["plan"] as JsonObject;
        if (plan?["machineVersion"] is JsonValue version && version.TryGetValue<int>(out var number) && number != SagaMachine.CurrentVersion)
            throw new UnknownMachineVersionException(plan["relocationId"]?.ToString() ?? "?", number);
        if (root.ContainsKey("steps"))
            return new RelocationInput { Plan = root.Deserialize(CoreJson.Default.RelocationPlan) };
        if (root.ContainsKey("app"))
            return new RelocationInput { Spec = ReadSpec(root) };
        var spec = root["spec"] as JsonObject;
        root.Remove("spec");
        return root.Deserialize(ContractJson.Default.RelocationInput)! with { Spec = spec is null ? null : ReadSpec(spec) };
    }

    private static RelocationSpec? ReadSpec(JsonObject given)
    {
        var whole = JsonSerializer.SerializeToNode(
            new RelocationSpec { App = "", Source = "", Target = "", Repository = "", Dns = new DnsSpec { Zone = "", Name = "" } }, CoreJson.Default.RelocationSpec)!.AsObject();
        foreach (var required in (string[])["app", "source", "target", "repository"])
            whole.Remove(required);
        foreach (var required in (string[])["zone", "name"])
            whole["dns"]!.AsObject().Remove(required);
        Overlay(whole, given);
        return whole.Deserialize(CoreJson.Default.RelocationSpec);
    }

    private static void Overlay(JsonObject below, JsonObject above)
    {
        foreach (var (name, value) in above)
        {
            if (value is JsonObject inner && below[name] is JsonObject known)
                Overlay(known, inner);
            else
                below[name] = value?.DeepClone();
        }
    }
}
