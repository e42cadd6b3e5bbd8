using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>kopia, with zstd, which it does not use by default.</summary>
internal sealed class KopiaEngine(string program) : Engine("kopia", program)
{
    public override string Version => Programs.Read(Program, "--version").Trim();

    public override string Notes => "--compression zstd-fastest, as the others compress by default; no automatic maintenance";

    public override bool Supports(Place place) => true;

    public override IEnumerable<Invocation> Initialize(EngineSetup setup)
    {
        if (setup.Place is MinioPlace minio)
        {
            yield return Run(setup, "repository", "create", "s3", "--bucket", MinioPlace.Bucket, "--prefix", $"{Name}/", "--endpoint", minio.Endpoint.Authority, "--disable-tls",
                "--access-key", MinioPlace.User, "--secret-access-key", MinioPlace.Password);
        }
        else
        {
            Directory.CreateDirectory(Repository(setup));
            yield return Run(setup, "repository", "create", "filesystem", "--path", Repository(setup));
        }

        yield return Run(setup, "policy", "set", "--global", "--compression", "zstd-fastest");
    }

    public override Invocation Snapshot(EngineSetup setup) => Run(setup, "snapshot", "create", setup.Source);

    public override Invocation Restore(EngineSetup setup, string target, bool inPlace) => Run(setup, "restore", setup.Source, target, "--snapshot-time", "latest");

    private Invocation Run(EngineSetup setup, params string[] arguments) => new(Program, [.. arguments, "--no-progress", "--no-auto-maintenance"])
    {
        Environment = new Dictionary<string, string>
        {
            ["KOPIA_CONFIG_PATH"] = Path.Combine(setup.Private, "repository.config"),
            ["KOPIA_CACHE_DIRECTORY"] = Path.Combine(setup.Private, "cache"),
            ["KOPIA_LOG_DIR"] = Path.Combine(setup.Private, "logs"),
            ["KOPIA_PASSWORD"] = "benchmark",
            ["KOPIA_CHECK_FOR_UPDATES"] = "false",
            ["HOME"] = setup.Private,
        },
    };
}
