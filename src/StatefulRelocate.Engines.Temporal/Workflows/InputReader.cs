using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
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
        using var document = JsonDocument.Parse(raw.Payload.Data.Memory);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
            throw new JsonException($"it is a JSON {root.ValueKind.ToString().ToLowerInvariant()} and must be an object");
        // A plan for another machine may have another form; its version is looked at first.
        var plan = root.TryGetProperty("steps", out _) ? root : root.TryGetProperty("plan", out var inner) ? inner : default;
        if (plan.ValueKind == JsonValueKind.Object && plan.TryGetProperty("machineVersion", out var version) && version.TryGetInt32(out var number) && number != SagaMachine.CurrentVersion)
            throw new UnknownMachineVersionException(plan.TryGetProperty("relocationId", out var id) ? id.ToString() : "?", number);
        if (root.TryGetProperty("steps", out _))
            return new RelocationInput { Plan = root.Deserialize(CoreJson.Default.RelocationPlan) };
        return root.TryGetProperty("app", out _)
            ? new RelocationInput { Spec = root.Deserialize(CoreJson.Default.RelocationSpec) }
            : root.Deserialize(ContractJson.Default.RelocationInput)!;
    }
}
