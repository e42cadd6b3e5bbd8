using StatefulRelocate.Benchmarks.DataSets;
using StatefulRelocate.Benchmarks.Engines;
using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Running;

/// <summary>All operations on one data set in one place, the engines taking turns at each of them.</summary>
internal sealed class RoundsScenario(DataSet set, IReadOnlyList<Engine> engines, BenchmarkLog log)
{
    /// <summary>One run, in an empty directory, which is removed afterwards.</summary>
    public void Run(Place place, string directory, int run)
    {
        var source = Path.Combine(directory, "source");
        Directory.CreateDirectory(source);
        set.Create(source);
        // Who goes first changes from run to run.
        var taking = engines.Where(engine => engine.Supports(place)).ToList();
        var turn = taking.Count == 0 ? 0 : run % taking.Count;
        List<Contender> contenders = [.. taking.Skip(turn).Concat(taking.Take(turn)).Select(engine => new Contender(engine, place, set.Name, run, source, Path.Combine(directory, engine.Name)))];

        Each(contenders, Operations.First, contender =>
        {
            contender.Initialize();
            PageCache.Drop();
            log.Add(contender.Snapshot(Operations.First));
        });
        Each(contenders, Operations.Unchanged, contender =>
        {
            contender.Warm();
            log.Add(contender.Snapshot(Operations.Unchanged));
        });
        set.Change(source, 1);
        Each(contenders, Operations.DeltaCold, contender =>
        {
            PageCache.Drop();
            log.Add(contender.Snapshot(Operations.DeltaCold));
        });
        Each(contenders, Operations.FullRestore, contender =>
        {
            PageCache.Drop();
            log.Add(contender.Restore(Operations.FullRestore, inPlace: false));
            TreeEquality.Require(source, contender.Target, contender.Engine.Name);
        });
        set.Change(source, 2);
        Each(contenders, Operations.FinalRound, contender =>
        {
            contender.Warm();
            var delta = contender.Snapshot(Operations.DeltaWarm);
            var restore = contender.Restore(Operations.InPlace, inPlace: true);
            log.Add(delta);
            log.Add(restore);
            log.Add(Sample.Sum(Operations.FinalRound, delta, restore));
            TreeEquality.Require(source, contender.Target, contender.Engine.Name);
        });
    }

    // An engine that fails is out for this run, and told; the others go on.
    private void Each(List<Contender> contenders, string operation, Action<Contender> act)
    {
        foreach (var contender in contenders.ToList())
        {
            try
            {
                act(contender);
            }
            catch (BenchmarkException error)
            {
                log.Failed(contender.Engine.Name, $"{set.Name} on {contender.Setup.Place.Name}, {operation}", error.Message);
                contenders.Remove(contender);
            }
        }
    }
}
