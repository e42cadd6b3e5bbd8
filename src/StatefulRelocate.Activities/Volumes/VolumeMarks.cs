using StatefulRelocate.Activities.Durability;
using StatefulRelocate.Clusters;

namespace StatefulRelocate.Activities.Volumes;

/// <summary>The marks of the volumes of one app. Every rule that keeps a volume from being overwritten or deleted is here.</summary>
internal sealed class VolumeMarks(ICluster cluster, string app)
{
    public VolumeMark? Find(string volume) => DurableFile.Read(PathOf(volume), AgentFiles.Default.VolumeMark);

    /// <summary>The volumes that bear a mark, sorted.</summary>
    public IReadOnlyList<string> Marked()
    {
        var directory = Path.GetDirectoryName(PathOf("x"))!;
        return Directory.Exists(directory)
            ? [.. Directory.EnumerateFiles(directory, "*.json").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>
    /// The mark that a relocation may put on a volume to restore into it: a new directory, an empty one, or a warm copy that an
    /// earlier relocation left. Never the data of a stranger, nor what the app was started on.
    /// </summary>
    public VolumeMark Claim(string volume, string relocationId)
    {
        var path = cluster.VolumePath(app, volume);
        var exists = Directory.Exists(path);
        var mark = Find(volume);
        if (mark?.StartedBy is { } starter)
            throw new ActivityException(
                "volume-started", $"{app} was started on volume {volume} of {cluster.Name} by relocation {starter}; it is not restored over", retryable: false);
        if (Is(mark?.PreparedBy, relocationId))
            return mark!;
        if (mark is null && exists && Directory.EnumerateFileSystemEntries(path).Any())
            throw new ActivityException(
                "volume-not-ours", $"{path} on {cluster.Name} holds data that no relocation put there; move it away, or choose another target", retryable: false);
        return new VolumeMark
        {
            PreparedBy = relocationId,
            ExistedBefore = exists,
            RetainedBy = mark?.RetainedBy is null ? null : relocationId,
            RetainedUntil = mark?.RetainedUntil,
        };
    }

    public void Write(string volume, VolumeMark mark) => DurableFile.Write(PathOf(volume), mark, AgentFiles.Default.VolumeMark);

    /// <summary>Throws unless this relocation may restore into the volume now.</summary>
    public void DemandRestorable(string volume, string relocationId)
    {
        var mark = Find(volume);
        if (mark?.StartedBy is { } starter)
            throw new ActivityException(
                "volume-started", $"{app} was started on volume {volume} of {cluster.Name} by relocation {starter}; it is not restored over", retryable: false);
        if (!Is(mark?.PreparedBy, relocationId))
            throw new ActivityException(
                "volume-not-ours", $"volume {volume} on {cluster.Name} was not prepared by relocation {relocationId}", retryable: false);
    }

    /// <summary>From here on nothing is restored over the volume.</summary>
    public void MarkStarted(string volume, string relocationId)
    {
        var mark = Find(volume) ?? new VolumeMark();
        if (!Is(mark.StartedBy, relocationId))
            Write(volume, mark with { StartedBy = relocationId });
    }

    /// <summary>The undo of that start: only the relocation that set the mark takes it off, after it gave the record to nobody.</summary>
    public void UnmarkStarted(string volume, string relocationId)
    {
        if (Find(volume) is { } mark && Is(mark.StartedBy, relocationId))
            Write(volume, mark with { StartedBy = null });
    }

    /// <summary>The app left this cluster: the volume is kept for a while, and is a warm copy for whoever brings the app back.</summary>
    public void Retain(string volume, string relocationId, DateTimeOffset until)
        => Write(volume, new VolumeMark { ExistedBefore = true, RetainedBy = relocationId, RetainedUntil = until });

    /// <summary>
    /// Gives the volume up: deletes what this relocation made and did not find, and only takes its mark off what was there before.
    /// </summary>
    public void GiveUp(string volume, string relocationId)
    {
        var mark = Find(volume);
        if (mark is null || !Is(mark.PreparedBy, relocationId))
            return;
        DemandNotStarted(volume, relocationId);
        if (mark.ExistedBefore)
        {
            Write(volume, mark with { PreparedBy = null, RetainedBy = mark.RetainedBy ?? relocationId });
            return;
        }

        DirectoryTree.Delete(cluster.VolumePath(app, volume));
        DurableFile.Delete(PathOf(volume));
    }

    /// <summary>Throws while the start of this relocation stands on the volume.</summary>
    public void DemandNotStarted(string volume, string relocationId)
    {
        if (Is(Find(volume)?.StartedBy, relocationId))
            throw new ActivityException(
                "volume-started", $"the start of {app} on {cluster.Name} must be undone before volume {volume} is removed", retryable: false);
    }

    private static bool Is(string? value, string relocationId) => string.Equals(value, relocationId, StringComparison.Ordinal);

    private string PathOf(string volume) => Path.Combine(cluster.AppDirectory(app), "volume-marks", volume + ".json");
}
