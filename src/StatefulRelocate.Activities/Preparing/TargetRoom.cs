using System.Text.Json;
using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Activities.Preparing;

/// <summary>Room for the app on the target: its definition, installed but not to be started, and its volumes, marked as this relocation's.</summary>
internal sealed class TargetRoom(HeldApp held)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private string PathOfPrepared => Path.Combine(held.Cluster.AppDirectory(held.App), "prepared.json");

    public async Task<StepOutput> MakeAsync(string source, CancellationToken cancellationToken)
    {
        var definition = await ReadDefinitionAsync(source, cancellationToken).ConfigureAwait(false);
        var records = await held.OpenRecordsAsync(cancellationToken).ConfigureAwait(false);
        var record = await records.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (record is null || string.Equals(record.Writer, held.Cluster.Name, StringComparison.Ordinal))
            throw new ActivityException("target-is-writer", $"the writer record of {held.App} names {record?.Writer ?? "no cluster"}; {held.Cluster.Name} is not prepared over it", retryable: false);
        var known = await held.Cluster.FindAsync(held.App, cancellationToken).ConfigureAwait(false);
        if (known is { State: not AppRunState.Stopped })
            throw new ActivityException("app-runs-on-target", $"{held.App} runs on {held.Cluster.Name} already; stop it there first", retryable: false);
        // All claims are checked before the first is written; from the copy on nothing here starts the app without a swap.
        var marks = definition.Volumes.Select(volume => (volume.Name, Mark: held.Marks.Claim(volume.Name, held.RelocationId))).ToList();
        records.Keep(record, fenced: true);
        held.DemandHeldCopy();
        if (!string.Equals(Prepared()?.RelocationId, held.RelocationId, StringComparison.Ordinal))
            DurableFile.Write(PathOfPrepared, new PreparedApp(held.RelocationId, known?.Definition), AgentFiles.Default.PreparedApp);
        foreach (var (volume, mark) in marks)
        {
            held.Marks.Write(volume, mark);
            Directory.CreateDirectory(held.Cluster.VolumePath(held.App, volume), OwnerOnly);
        }

        await held.Cluster.InstallAsync(definition, cancellationToken).ConfigureAwait(false);
        return new StepOutput { ExistedBefore = [.. marks.Where(pair => pair.Mark.ExistedBefore).Select(pair => pair.Name)] };
    }

    /// <summary>Removes what was made, and puts back what was there; does nothing when another relocation prepared here, or none.</summary>
    public async Task GiveUpAsync(CancellationToken cancellationToken)
    {
        var copy = held.Cluster.ReadWriterState(held.App);
        if (string.Equals(copy.Record?.Writer, held.Cluster.Name, StringComparison.Ordinal))
            return; // By an operator's word, or it was never ours to prepare: what the writer has is left alone.
        foreach (var volume in held.Marks.Marked())
            held.Marks.DemandNotStarted(volume, held.RelocationId);
        if (Prepared() is { } prepared && string.Equals(prepared.RelocationId, held.RelocationId, StringComparison.Ordinal))
        {
            if (prepared.Previous is { } previous)
                await held.Cluster.InstallAsync(previous, cancellationToken).ConfigureAwait(false);
            else if (await held.Cluster.FindAsync(held.App, cancellationToken).ConfigureAwait(false) is not null)
                await held.Cluster.RemoveAsync(held.App, deleteVolumes: false, cancellationToken).ConfigureAwait(false);
        }

        foreach (var volume in held.Marks.Marked())
            held.Marks.GiveUp(volume, held.RelocationId);
        if (string.Equals(Prepared()?.RelocationId, held.RelocationId, StringComparison.Ordinal))
            DurableFile.Delete(PathOfPrepared);
        // The relocation is over here; its name would keep an operator from stopping or deleting the app.
        if (string.Equals(copy.Record?.RelocationId, held.RelocationId, StringComparison.Ordinal))
            held.Cluster.WriteWriterState(held.App, copy with { Fenced = true, Record = copy.Record! with { RelocationId = null, Phase = RelocationPhase.None } });
    }

    private PreparedApp? Prepared() => DurableFile.Read(PathOfPrepared, AgentFiles.Default.PreparedApp);

    private async Task<AppDefinition> ReadDefinitionAsync(string source, CancellationToken cancellationToken)
    {
        var repository = await held.OpenRepositoryAsync(cancellationToken).ConfigureAwait(false);
        var content = await repository.GetSealedAsync(held.SealedDefinitionName, cancellationToken).ConfigureAwait(false)
            ?? throw new ActivityException("definition-missing", $"{source} has not put the definition of {held.App} into the repository, or it was removed");
        return JsonSerializer.Deserialize(content, CoreJson.Default.AppDefinition)
            ?? throw new ActivityException("definition-missing", $"the definition of {held.App} in the repository is empty", retryable: false);
    }
}
