using System.Text.Json;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Converters;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Workflows;

/// <summary>Reads the input of the workflow, which people type by hand too.</summary>
internal static class InputReader
{
    private const string Hint = "give a spec, {\"app\": \"images\", \"source\": \"edge-a\", \"target\": \"edge-b\", \"repository\": \"main\", \"dns\": {\"zone\": \"edge.test\", \"name\": \"images\"}}, or what 'relocate plan --json' prints";

    /// <summary>The input with its plan, and whether the plan was made here; or one without and the failure that ends the workflow.</summary>
    public static (RelocationInput Input, bool IsPlannedHere, ApplicationFailureException? Refusal) Read(IRawValue? raw, string workflowId)
    {
        try
        {
            if (raw is null)
                throw new RelocateException("there is none");
            var input = InputForms.Read(raw.Payload.Data.Span);
            var plan = input.Plan ?? Planner.Plan(input.Spec ?? throw new RelocateException("it has neither a plan nor a spec"), workflowId, fused: true);
            if (plan.RelocationId != workflowId)
                throw new RelocateException($"its plan is of relocation {plan.RelocationId}, and the workflow id must be the same");
            PlanValidation.Check(plan);
            return (input with { Plan = plan }, input.Plan is null, null);
        }
        catch (UnknownMachineVersionException)
        {
            // Fails the workflow task, and waits for the worker that knows it.
            throw;
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or RelocateException)
        {
            return (new RelocationInput(), false, new ApplicationFailureException(
                $"the input is no relocation: {error.Message.ReplaceLineEndings(" ")}; {Hint}", TemporalNames.BadInputFailure, nonRetryable: true));
        }
    }
}
