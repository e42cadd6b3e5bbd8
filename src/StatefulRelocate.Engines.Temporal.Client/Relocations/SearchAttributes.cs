using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.OperatorService.V1;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>What lists show of a relocation: as search attributes where the server knows all of ours, in the memo elsewhere.</summary>
internal static class SearchAttributes
{
    public static async Task<bool> AreThereAsync(ITemporalClient client, RpcOptions rpc)
    {
        try
        {
            var known = await client.OperatorService.ListSearchAttributesAsync(new ListSearchAttributesRequest { Namespace = client.Options.Namespace }, rpc).ConfigureAwait(false);
            return new[] { RelocationAttributes.App, RelocationAttributes.Source, RelocationAttributes.Target, RelocationAttributes.Phase }
                .All(key => known.CustomAttributes.TryGetValue(key.Name, out var type) && type == IndexedValueType.Keyword);
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
}
