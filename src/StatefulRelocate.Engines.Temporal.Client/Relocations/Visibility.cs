using System.Text.Json;
using Google.Protobuf.Collections;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.OperatorService.V1;
using Temporalio.Api.Workflow.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>
/// What lists show of a relocation: search attributes where the server knows all of ours, the memo elsewhere. The SDK's own classes for search attributes use
/// reflection, which a native program does not have.
/// </summary>
internal static class Visibility
{
    private static readonly SearchAttributeKey<string>[] s_keys = [RelocationAttributes.App, RelocationAttributes.Source, RelocationAttributes.Target, RelocationAttributes.Phase];

    /// <summary>Whether the server knows our search attributes.</summary>
    public static async Task<bool> HasAttributesAsync(ITemporalClient client, RpcOptions rpc)
    {
        try
        {
            var known = await client.OperatorService.ListSearchAttributesAsync(new ListSearchAttributesRequest { Namespace = client.Options.Namespace }, rpc).ConfigureAwait(false);
            return s_keys.All(key => known.CustomAttributes.TryGetValue(key.Name, out var type) && type == IndexedValueType.Keyword);
        }
        catch (RpcException error) when (error.Code is RpcException.StatusCode.PermissionDenied or RpcException.StatusCode.Unimplemented)
        {
            // Not everybody may ask an operator's question; the memo always works.
            return false;
        }
    }

    /// <summary>The memo, where there are no attributes; those are set by the workflow itself.</summary>
    public static Dictionary<string, object>? Memo(RelocationSpec spec, bool attributes) => attributes
        ? null
        : new() { [RelocationAttributes.App.Name] = spec.App, [RelocationAttributes.Source.Name] = spec.Source, [RelocationAttributes.Target.Name] = spec.Target };

    /// <summary>The phase that a run published last, or null.</summary>
    public static async Task<string?> PhaseAsync(WorkflowExecutionInfo run, DataConverter converter)
    {
        if (Field(run.SearchAttributes?.IndexedFields) is { } attribute)
            return JsonSerializer.Deserialize(attribute.Data.Span, ContractJson.Default.String);
        return Field(run.Memo?.Fields) is { } memo ? await converter.ToValueAsync<string>(memo).ConfigureAwait(false) : null;
    }

    private static Payload? Field(MapField<string, Payload>? fields) => fields is not null && fields.TryGetValue(RelocationAttributes.Phase.Name, out var payload) ? payload : null;
}
