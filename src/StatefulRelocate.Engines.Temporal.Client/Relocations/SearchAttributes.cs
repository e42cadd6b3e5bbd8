using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.OperatorService.V1;
using Temporalio.Client;
using Temporalio.Common;
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

    public static void Set(WorkflowOptions options, RelocationSpec spec, bool attributes)
    {
        (SearchAttributeKey<string> Key, string Value)[] all = [(RelocationAttributes.App, spec.App), (RelocationAttributes.Source, spec.Source), (RelocationAttributes.Target, spec.Target)];
        if (attributes)
            options.TypedSearchAttributes = new SearchAttributeCollection.Builder().Set(all[0].Key, all[0].Value).Set(all[1].Key, all[1].Value).Set(all[2].Key, all[2].Value).ToSearchAttributeCollection();
        else
            options.Memo = all.ToDictionary(static each => each.Key.Name, static each => (object)each.Value);
    }
}
