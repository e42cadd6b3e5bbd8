using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Benchmarks.Temporal;

/// <summary>How the development server is started.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Description">What it is.</param>
/// <param name="DynamicConfiguration">What differs from the plain one.</param>
internal sealed record ServerSetup(string Name, string Description, IReadOnlyList<string> DynamicConfiguration)
{
    /// <summary>A step passes the queue twice: at 20 reads a second, one workflow alone makes ten steps a second, whatever its workers do.</summary>
    public static IReadOnlyList<ServerSetup> All { get; } =
    [
        new("plain", "as it starts: it reads the queue of its one shard 20 times a second at most, so a workflow alone waits about 50 ms for each of the two tasks of a step", []),
        new("eager", "with `--dynamic-config-value history.transferProcessorMaxPollRPS=1000`: what the workers cost is seen", ["history.transferProcessorMaxPollRPS=1000"]),
    ];

    public static IReadOnlyList<ServerSetup> Find(IReadOnlyCollection<string> names) =>
        names.FirstOrDefault(static name => All.All(setup => setup.Name != name)) is { } unknown
            ? throw new BenchmarkException($"no server '{unknown}'; there are {string.Join(", ", All.Select(static setup => setup.Name))}")
            : [.. All.Where(setup => names.Contains(setup.Name))];

    public async Task<TemporalServer> StartAsync() =>
        await TemporalServer.TryStartAsync(new TemporalServerOptions { DynamicConfiguration = DynamicConfiguration }, CancellationToken.None) ?? throw new BenchmarkException(TemporalServer.Missing);
}
