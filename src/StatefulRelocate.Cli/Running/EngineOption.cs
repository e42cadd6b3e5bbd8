using System.CommandLine;
using StatefulRelocate.Cli.Running.Embedded;
using StatefulRelocate.Cli.Running.Temporal;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Cli.Running;

/// <summary>The option that says where relocations run: <c>--engine</c>, <c>RELOCATE_ENGINE</c>, else the configuration's <c>engine</c>.</summary>
internal sealed class EngineOption
{
    private const string Variable = "RELOCATE_ENGINE";
    private readonly GlobalOptions _globals;

    public EngineOption(GlobalOptions globals)
    {
        _globals = globals;
        Option.CompletionSources.Add(Words);
        Option.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<string?>() is { } word && !Words.Contains(word))
                result.AddError($"--engine {word}: there are {string.Join(" and ", Words.Select(static each => $"'{each}'"))}");
        });
    }

    /// <summary>The option itself, for each command that takes it.</summary>
    public Option<string?> Option { get; } = new("--engine")
    {
        Description = "Where relocations run: embedded (here) or temporal (a Temporal server; see docs/temporal.md). Default: $RELOCATE_ENGINE, else 'engine' of the configuration, else embedded.",
        HelpName = "ENGINE",
    };

    private static string[] Words => ["embedded", "temporal"];

    /// <summary>Which engine is meant.</summary>
    /// <exception cref="RelocateException">The variable names none.</exception>
    public EngineKind Kind(ParseResult parse, RelocateConfig config)
    {
        var word = parse.GetValue(Option) ?? (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } value ? value : null);
        return word switch
        {
            null => config.Engine,
            "embedded" => EngineKind.Embedded,
            "temporal" => EngineKind.Temporal,
            _ => throw new RelocateException($"{Variable} is '{word}'; there are: {string.Join(", ", Words)}"),
        };
    }

    /// <summary>Plans for it: where a hop costs more, the parts of the cutover are fused into fewer steps.</summary>
    public RelocationPlan Plan(ParseResult parse, RelocateConfig config, RelocationSpec spec, string id) =>
        Planner.Plan(spec, id, fused: Kind(parse, config) == EngineKind.Temporal);

    /// <summary>Opens it, with the configuration that is not needed for more.</summary>
    public Task<IRelocationEngine> OpenAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (path, named) = _globals.ConfigPath(parse);
        return OpenAsync(parse, ConfigFile.Load(path, named), cancellationToken);
    }

    /// <summary>Opens it: connects to the server, where there is one.</summary>
    public async Task<IRelocationEngine> OpenAsync(ParseResult parse, RelocateConfig config, CancellationToken cancellationToken) => Kind(parse, config) == EngineKind.Temporal
        ? await TemporalEngine.ConnectAsync(cancellationToken)
        : new JournalEngine(new JournalLocation(_globals.StateDirectory(parse)), config, _globals.ConfigPath(parse).Path);
}
