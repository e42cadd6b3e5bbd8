using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>rustic.</summary>
internal sealed class RusticEngine(string program) : Engine("rustic", program)
{
    public override string Version => Programs.Read(Program, "--version").Trim();

    public override bool Supports(Place place) => true;

    public override IEnumerable<Invocation> Initialize(EngineSetup setup) => [Run(setup, "init")];

    public override Invocation Snapshot(EngineSetup setup) => Run(setup, "backup", setup.Source);

    public override Invocation Restore(EngineSetup setup, string target, bool inPlace)
        => inPlace ? Run(setup, "restore", $"latest:{setup.Source}", target, "--delete") : Run(setup, "restore", $"latest:{setup.Source}", target);

    private Invocation Run(EngineSetup setup, params string[] arguments)
    {
        Directory.CreateDirectory(setup.Private);
        var profile = Path.Combine(setup.Private, "bench.toml");
        WriteOnce(profile, setup.Place is MinioPlace minio
            ? $"""
                [repository]
                repository = "opendal:s3"
                password = "benchmark"
                cache-dir = "{setup.Private}/cache"

                [repository.options]
                bucket = "{MinioPlace.Bucket}"
                root = "{Name}"
                endpoint = "{minio.Endpoint.GetLeftPart(UriPartial.Authority)}"
                region = "us-east-1"
                access_key_id = "{MinioPlace.User}"
                secret_access_key = "{MinioPlace.Password}"

                """
            : $"""
                [repository]
                repository = "{Repository(setup)}"
                password = "benchmark"
                cache-dir = "{setup.Private}/cache"

                """);
        return new Invocation(Program, ["-P", Path.ChangeExtension(profile, null), "--no-progress", .. arguments])
        {
            Environment = new Dictionary<string, string> { ["HOME"] = setup.Private },
            Directory = setup.Private,
        };
    }
}
