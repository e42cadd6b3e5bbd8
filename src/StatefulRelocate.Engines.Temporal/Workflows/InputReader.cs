using System.Text.Json;
using System.Text.Json.Nodes;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Converters;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>Reads the input of the workflow, which people type by hand too: a <see cref="RelocationInput"/>, a bare plan or a bare spec.</summary>
internal static class InputReader
{
    private const string Hint = "give a spec, {\"app\": \"images\", \"source\": \"edge-a\", \"target\": \"edge-b\", \"repository\": \"main\", \"dns\": {\"zone\": \"edge.test\", \"name\": \"images\"}}, or what 'relocate plan --json' prints";

    /// <summary>The input with its plan; or one without and the failure that ends the workflow.</summary>
    public static (RelocationInput Input, ApplicationFailureException? Refusal) Read(IRawValue? raw, string workflowId)
    {
        try
        {
            if (raw is null)
                throw new RelocateException("there is none");
            var input = Parse(raw);
            var plan = input.Plan ?? Planner.Plan(input.Spec ?? throw new RelocateException("it has neither a plan nor a spec"), workflowId, fused: true);
            if (plan.RelocationId != workflowId)
                throw new RelocateException($"its plan is of relocation {plan.RelocationId}, and the workflow id must be the same");
            if (plan.Steps.IsDefaultOrEmpty)
                throw new RelocateException("its plan has no steps");
            return (input with { Plan = plan }, null);
        }
        catch (UnknownMachineVersionException)
        {
            throw;
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or RelocateException)
        {
            return (new RelocationInput(), new ApplicationFailureException(
                $"the input is no relocation: {error.Message.ReplaceLineEndings(" ")}; {Hint}", TemporalNames.BadInputFailure, nonRetryable: true));
        }
    }

    private static RelocationInput Parse(IRawValue raw)
    {
        if (JsonNode.Parse(raw.Payload.Data.Span) is not JsonObject root)
            throw new JsonException("it must be an object");
        // A plan for another machine may have another form; its version is looked at first.
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

    /// <summary>What is left out has its default, also within <c>cutover</c> and <c>dns</c>.</summary>
    private static RelocationSpec? ReadSpec(JsonObject given)
    {
        var whole = JsonSerializer.SerializeToNode(new RelocationSpec { App = "", Source = "", Target = "", Repository = "", Dns = new DnsSpec { Zone = "", Name = "" } }, CoreJson.Default.RelocationSpec)!.AsObject();
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
