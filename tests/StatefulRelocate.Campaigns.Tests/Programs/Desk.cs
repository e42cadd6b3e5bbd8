using StatefulRelocate.Campaigns.Tests.Trees;

namespace StatefulRelocate.Campaigns.Tests.Programs;

/// <summary>A repository in a directory, a source and a target, used with the commands that a user types.</summary>
internal sealed class Desk : IDisposable
{
    private readonly Scratch _scratch;

    /// <param name="repository">Where the repository is; null: in the scratch directory.</param>
    /// <param name="state">Where the journals are; null: in the scratch directory.</param>
    /// <param name="scratch">A scratch directory that this takes over.</param>
    public Desk(string? repository = null, string? state = null, Scratch? scratch = null)
    {
        _scratch = scratch ?? new Scratch();
        Repository = repository ?? At("repo");
        State = state ?? At("state");
        Source = _scratch.Make("source");
        Target = At("target");
    }

    public string Repository { get; set; }

    public string State { get; set; }

    public string Source { get; }

    public string Target { get; set; }

    public string At(string name) => _scratch.At(name);

    /// <summary>A name in the source, as Latin-1 text for system calls.</summary>
    public string In(string name) => Posix.Latin(Source) + "/" + name;

    public Task<ProgramResult> RunAsync(params string[] arguments)
        => RelocateProgram.RunAsync(RelocateProgram.Path, [.. arguments, "--repo", $"dir:{Repository}", "--key-file", _scratch.KeyFile], Environment);

    public async Task<ProgramResult> MustAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"relocate {string.Join(' ', arguments)}: {result}");
        return result;
    }

    /// <summary>It fails, in one line that names what it is about, and not as an error of its own.</summary>
    public async Task<ProgramResult> MustFailAsync(string naming, params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(result.ExitCode is not 0 and not 3 and < 128, result.ToString());
        var lines = result.Errors.TrimEnd().Split('\n').Where(line => !line.StartsWith("relocate: warning:", StringComparison.Ordinal)).ToArray();
        Assert.True(lines.Length == 1 && lines[0].Contains(naming, StringComparison.Ordinal) && !lines[0].Contains("   at ", StringComparison.Ordinal), result.ToString());
        return result;
    }

    /// <summary>Init, create, restore in place, compare with an independent reader.</summary>
    public async Task RoundTripAsync(int exitCode = 0)
    {
        if (!Directory.Exists(Repository) || !File.Exists(Path.Combine(Repository, "config")))
            await MustAsync("repo", "init");
        var taken = await RunAsync("snapshot", "create", Source);
        Assert.True(taken.ExitCode == exitCode, taken.ToString());
        await MustAsync("snapshot", "restore", "latest", Target, "--in-place");
        TreeImage.Of(Source).RequireSameAs(TreeImage.Of(Target), "restored");
    }

    public void Dispose() => _scratch.Dispose();

    public Dictionary<string, string> Environment => new() { ["RELOCATE_STATE"] = State, ["RELOCATE_CONFIG"] = At("no-config.yaml") };
}
