using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>restic, the reference of the targets.</summary>
internal sealed class ResticEngine(string program) : Engine("restic", program)
{
    public override string Version => Programs.Read(Program, "version").Trim();

    public override bool Supports(Place place) => true;

    public override IEnumerable<Invocation> Initialize(EngineSetup setup) => [Run(setup, "init")];

    public override Invocation Snapshot(EngineSetup setup) => Run(setup, "backup", setup.Source);

    public override Invocation Restore(EngineSetup setup, string target, bool inPlace)
        => inPlace ? Run(setup, "restore", $"latest:{setup.Source}", "--target", target, "--delete") : Run(setup, "restore", $"latest:{setup.Source}", "--target", target);

    private Invocation Run(EngineSetup setup, params string[] arguments) => new(Program, arguments)
    {
        Environment = new Dictionary<string, string>((setup.Place as MinioPlace)?.Credentials ?? new Dictionary<string, string>())
        {
            ["RESTIC_REPOSITORY"] = setup.Place is MinioPlace minio ? $"s3:{minio.Endpoint.GetLeftPart(UriPartial.Authority)}/{MinioPlace.Bucket}/{Name}" : Repository(setup),
            ["RESTIC_PASSWORD_FILE"] = WriteOnce(Path.Combine(setup.Private, "password"), "benchmark\n"),
            ["RESTIC_CACHE_DIR"] = Path.Combine(setup.Private, "cache"),
            ["HOME"] = setup.Private,
        },
    };
}
