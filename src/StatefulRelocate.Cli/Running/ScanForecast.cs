using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Cli.Reports;
using StatefulRelocate.Cli.Running.Embedded;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;
using StatefulRelocate.Snapshots.ChangedRanges;

namespace StatefulRelocate.Cli.Running;

/// <summary>Says before a move how its final round will find what changed, and what it costs where nothing but scanning is left.</summary>
internal static class ScanForecast
{
    /// <summary>A round that read less says nothing of the rate.</summary>
    private const long LeastMeasured = 16 << 20;

    /// <summary>One line.</summary>
    public static async Task<string> DescribeAsync(RelocationSpec spec, RelocateConfig config, JournalLocation location, CancellationToken cancellationToken)
    {
        const string unknown = "what the final round has to scan is unknown";
        var mode = spec.Cutover.ChangedRanges switch
        {
            RangeSource.Scan => ChangedRangesMode.Scan,
            RangeSource.Reflink => ChangedRangesMode.Reflink,
            _ => ChangedRangesMode.Auto,
        };
        try
        {
            var volumes = await ClusterEntry.All(config, location.StateDirectory).First(each => each.Name == spec.Source).VolumesAsync(spec.App, cancellationToken);
            var scanned = volumes.Where(Directory.Exists).Select(volume => ScanEstimate.Of(volume, mode)).Where(each => each.Driver == "scan").ToList();
            if (scanned.Count == 0)
                return "the final round compares reflinks: it reads only the ranges that changed, and files below 1 MiB that did";
            var bytes = scanned.Sum(each => each.Bytes);
            var what = $"the final round scans every file that changed: at most {Quantities.Bytes(bytes)} in {Quantities.Count(scanned.Sum(each => each.Files))} files";
            return Rate(spec, location) is not { } rate ? $"{what}, in a time that is unknown before a round has been measured"
                : $"{what}, {Quantities.Milliseconds(bytes / rate * 1000)} at the {Quantities.Bytes((long)rate)}/s of the last round";
        }
        catch (RelocateException error)
        {
            return $"{unknown}: {error.Message}";
        }
    }

    /// <summary>Bytes a second, from the last round of this app on this cluster that read enough to tell.</summary>
    private static double? Rate(RelocationSpec spec, JournalLocation location)
    {
        if (!RelocationJournal.Exists(location.File))
            return null;
        using var journal = RelocationJournal.Open(location.File);
        foreach (var relocation in journal.List().Where(each => each.Plan.Spec.App == spec.App && each.Plan.Spec.Source == spec.Source).Reverse())
        {
            foreach (var output in journal.Read(relocation.Id).Select(each => each.Event).OfType<StepCompleted>()
                .Where(each => each.Direction == StepDirection.Do && (each.Step == StepKind.FinalSnapshot || each.Step.StartsWith(StepKind.Snapshot + "-", StringComparison.Ordinal)))
                .Select(each => each.Output).Reverse())
            {
                var took = output.Parts.FirstOrDefault(part => part.Name == "scan")?.Duration ?? output.Figures?.Duration;
                if (output.Figures is { BytesScanned: >= LeastMeasured } figures && took is { TotalSeconds: > 0 } time)
                    return figures.BytesScanned / time.TotalSeconds;
            }
        }

        return null;
    }
}
