using System.Text.Json;
using StatefulRelocate.Activities.Rounds;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Activities.Preparing;

/// <summary>
/// The source seals the app's definition into the repository (it may hold secrets, so it travels in no event); the target reads it from
/// there and makes room.
/// </summary>
internal sealed class PrepareActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.Prepare;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        if (!IsSource(context.Request))
            return await new TargetRoom(held).MakeAsync(context.Request.Spec.Source, cancellationToken).ConfigureAwait(false);
        var definition = await held.DefinitionAsync(cancellationToken).ConfigureAwait(false);
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        var content = JsonSerializer.SerializeToUtf8Bytes(definition, CoreJson.Default.AppDefinition);
        await repository.PutSealedAsync(held.SealedDefinitionName, content, cancellationToken).ConfigureAwait(false);
        return new StepOutput();
    }

    public async Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var held = new HeldApp(environment, context.Request);
        using var hand = await held.LockAsync(cancellationToken).ConfigureAwait(false);
        if (!IsSource(context.Request))
        {
            await new TargetRoom(held).GiveUpAsync(cancellationToken).ConfigureAwait(false);
            return new StepOutput();
        }

        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        await repository.DeleteSealedAsync(held.SealedDefinitionName, cancellationToken).ConfigureAwait(false);
        return new StepOutput
        {
            Warnings = await held.Cluster.FindAsync(held.App, cancellationToken).ConfigureAwait(false) is { } app ? KeptReflinks.Remove(held.PathsOf(app.Definition)) : [],
        };
    }

    private static bool IsSource(ActivityRequest request) => string.Equals(request.Cluster, request.Spec.Source, StringComparison.Ordinal);
}
