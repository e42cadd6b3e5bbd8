using System.Globalization;
using StatefulRelocate.Benchmarks.Places;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Engines;

/// <summary>borg; it keeps repositories in directories only.</summary>
internal sealed class BorgEngine(string program) : Engine("borg", program)
{
    public override string Version => Programs.Read(Program, "--version").Trim();

    public override bool Supports(Place place) => place is DirectoryPlace;

    public override IEnumerable<Invocation> Initialize(EngineSetup setup) => [Run(setup, null, "init", "--encryption", "repokey-blake2", Repository(setup))];

    public override Invocation Snapshot(EngineSetup setup) => Run(setup, null, "create", Archive(setup, ++setup.Taken), setup.Source);

    public override Invocation Restore(EngineSetup setup, string target, bool inPlace)
    {
        Directory.CreateDirectory(target);
        var depth = setup.Source.Split('/', StringSplitOptions.RemoveEmptyEntries).Length;
        return Run(setup, target, "extract", "--strip-components", depth.ToString(CultureInfo.InvariantCulture), Archive(setup, setup.Taken));
    }

    private string Archive(EngineSetup setup, int number) => string.Create(CultureInfo.InvariantCulture, $"{Repository(setup)}::a{number}");

    private Invocation Run(EngineSetup setup, string? directory, params string[] arguments) => new(Program, arguments)
    {
        Directory = directory,
        Environment = new Dictionary<string, string>
        {
            ["BORG_BASE_DIR"] = setup.Private,
            ["BORG_PASSPHRASE"] = "benchmark",
            ["BORG_RELOCATED_REPO_ACCESS_IS_OK"] = "yes",
            ["LC_ALL"] = "C.UTF-8",
        },
    };
}
