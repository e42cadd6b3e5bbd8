using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>This project's own engine, as a whole process with a key file.</summary>
/// <param name="program">The program.</param>
/// <param name="name">Its name in the report.</param>
/// <param name="snapshotOptions">Further options of <c>snapshot create</c>.</param>
internal sealed class RelocateEngine(string program, string name = RelocateEngine.Ours, params string[] snapshotOptions) : Engine(name, program)
{
    public const string Ours = "relocate";

    public override string Version => Programs.Read(Program, "--version").Trim();

    public override string Notes => "key file; restored data is fsynced and read back" + (snapshotOptions.Length > 0 ? $"; {string.Join(' ', snapshotOptions)}" : "");

    public override bool Supports(Place place) => true;

    public override IEnumerable<Invocation> Initialize(EngineSetup setup) => [Run(setup, "repo", "init")];

    public override Invocation Snapshot(EngineSetup setup) => Run(setup, ["snapshot", "create", setup.Source, .. snapshotOptions]);

    /// <summary>Further options of a snapshot of what nothing writes to any more.</summary>
    public string[] FinalOptions { get; init; } = [];

    public override Invocation FinalSnapshot(EngineSetup setup) => Run(setup, ["snapshot", "create", setup.Source, .. FinalOptions, .. snapshotOptions]);

    public override Invocation Restore(EngineSetup setup, string target, bool inPlace)
        => inPlace ? Run(setup, "snapshot", "restore", "latest", target, "--in-place") : Run(setup, "snapshot", "restore", "latest", target);

    private Invocation Run(EngineSetup setup, params string[] arguments)
    {
        var key = WriteOnce(Path.Combine(setup.Private, "key"), new string('5', 64) + "\n");
        var url = setup.Place is MinioPlace minio
            ? $"s3://{MinioPlace.Bucket}/{Name}?endpoint={minio.Endpoint.GetLeftPart(UriPartial.Authority)}&region=us-east-1"
            : $"dir:{Repository(setup)}";
        return new Invocation(Program, [.. arguments, "--repo", url, "--key-file", key])
        {
            Environment = new Dictionary<string, string>((setup.Place as MinioPlace)?.Credentials ?? new Dictionary<string, string>())
            {
                ["RELOCATE_STATE"] = Path.Combine(setup.Private, "state"),
                ["RELOCATE_CONFIG"] = WriteOnce(Path.Combine(setup.Private, "config.yaml"), "apiVersion: relocate/v1alpha1\nkind: Config\n"),
            },
        };
    }
}
