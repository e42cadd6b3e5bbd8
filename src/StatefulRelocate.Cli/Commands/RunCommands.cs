using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using StatefulRelocate.Cli.Reports;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Cli.Running.Embedded;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Serialization;
using StatefulRelocate.Engines.Faults;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate plan</c> and <c>relocate run</c>.</summary>
internal static class RunCommands
{
    public static IEnumerable<Command> Create(GlobalOptions globals, EngineOption engine) => [Plan(globals, engine), Run(globals, engine)];

    private static Command Plan(GlobalOptions globals, EngineOption engine)
    {
        var (file, quiesce, json) = (FileOption(), QuiesceOption(), JsonOption());
        var command = new Command("plan", "Show the steps of a relocation; nothing is touched.") { file, quiesce, engine.Option, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var (path, named) = globals.ConfigPath(parse);
            var config = ConfigFile.Load(path, named);
            var spec = Load(parse, file, quiesce, config);
            var plan = engine.Plan(parse, config, spec, NewId(spec));
            if (parse.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(plan, CoreJson.Default.RelocationPlan));
            else
                Print(plan, await ScanForecast.DescribeAsync(spec, config, new JournalLocation(globals.StateDirectory(parse)), cancellationToken));
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Run(GlobalOptions globals, EngineOption engine)
    {
        var (file, quiesce, json) = (FileOption(), QuiesceOption(), JsonOption());
        var failAt = new Option<string?>("--fail-at") { Description = "Inject a failure: a step's kind or id, with :before or :after its effect (default: after).", HelpName = "STEP" };
        var crashAt = new Option<string?>("--crash-at") { Description = "Kill this engine with SIGKILL at a step, written the same way; 'relocate resume' goes on.", HelpName = "STEP" };
        var id = new Option<string?>("--id") { Description = "The relocation's id. Default: a new one.", HelpName = "ID", Hidden = true };
        var command = new Command("run", "Relocate an app. Ctrl-C undoes everything; a second Ctrl-C leaves, and 'relocate resume' finishes.") { file, quiesce, engine.Option, failAt, crashAt, id, json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var (path, named) = globals.ConfigPath(parse);
            var config = ConfigFile.Load(path, named);
            var spec = Load(parse, file, quiesce, config);
            var plan = engine.Plan(parse, config, spec, parse.GetValue(id) ?? NewId(spec));
            var faults = new List<Fault>();
            if (parse.GetValue(failAt) is { } fail)
                faults.Add(Fault.Parse(FaultAction.Fail, fail, plan));
            if (parse.GetValue(crashAt) is { } crash)
                faults.Add(Fault.Parse(FaultAction.Crash, crash, plan));
            await Preconditions.CheckAsync(spec, config, path, cancellationToken);
            using var runs = await engine.OpenAsync(parse, config, cancellationToken);
            await runs.CheckAsync(spec, cancellationToken);
            using var view = await RelocationView.OpenAsync(await runs.StartAsync(plan, faults, cancellationToken), cancellationToken);
            return SayUnreached(view, await FollowAsync(runs, view, parse.GetValue(json)));
        });
        return command;
    }

    /// <summary>Carries it on to where it is over or needs a person, then prints what it did.</summary>
    public static async Task<int> FollowAsync(IRelocationEngine engine, RelocationView view, bool json)
    {
        var code = await new RelocationSession(engine).RunAsync(view, ProgressFor(json));
        if (code != ExitCode.Interrupted)
            Report(view, json);
        return code;
    }

    /// <summary>Bars on a terminal, lines elsewhere; on standard error when standard output carries the report as a document.</summary>
    public static IProgressView ProgressFor(bool json)
    {
        if (json)
            return new PlainProgress(Console.Error);
        return Console.IsOutputRedirected ? new PlainProgress(Console.Out) : new LiveProgress();
    }

    /// <summary>Prints what the relocation did and what it cost.</summary>
    public static void Report(RelocationView view, bool json)
    {
        var report = ReportBuilder.Build(view.Log.Plan, view.Events, clients: null, view.State.PredictedDowntime) with
        {
            Crashes =
            [
                .. view.Log.ReadFaults(view.Events)
                    .Where(fault => fault is { Fault.Action: FaultAction.Crash, Step: not null, KilledPid: not null })
                    .Select(fault => new CrashReport(fault.Step!, fault.KilledPid!.Value, fault.ResumedPid)),
            ],
        };
        ReportPrinter.Print(report, json);
    }

    private static int SayUnreached(RelocationView view, int code)
    {
        foreach (var fault in view.Log.ReadFaults(view.Events))
            if (fault.Times == 0)
                Console.Error.WriteLine($"relocate: {(fault.Fault.Action == FaultAction.Fail ? "--fail-at" : "--crash-at")} {fault.Fault.Step} was never reached");
        return code;
    }

    private static RelocationSpec Load(ParseResult parse, Option<string> file, Option<string?> quiesce, RelocateConfig config)
    {
        var spec = RelocationFile.Load(parse.GetRequiredValue(file), config);
        return parse.GetValue(quiesce) switch
        {
            null => spec,
            "stop" => spec with { Cutover = spec.Cutover with { Quiesce = QuiesceMode.Stop } },
            "freeze" => spec with { Cutover = spec.Cutover with { Quiesce = QuiesceMode.Freeze } },
            var other => throw new RelocateException($"--quiesce {other}: there are 'stop' and 'freeze'"),
        };
    }

    /// <summary>An id that no other relocation has.</summary>
    public static string NewId(RelocationSpec spec) => string.Create(
        CultureInfo.InvariantCulture,
        $"{spec.App}-{spec.Source}-{spec.Target}-{TimeProvider.System.GetUtcNow():yyyyMMdd-HHmmss}-{RandomNumberGenerator.GetHexString(4, lowercase: true)}");

    private static void Print(RelocationPlan plan, string forecast)
    {
        var spec = plan.Spec;
        Console.WriteLine($"{spec.App}: {spec.Source} -> {spec.Target}, through repository '{spec.Repository}'");
        Console.WriteLine($"then {spec.Dns.Name}.{spec.Dns.Zone} on DNS server '{spec.Dns.Server}' names {spec.Target}; the source's volumes are kept for {Duration.Format(spec.SourceRetention)}");
        Console.WriteLine($"{spec.Cutover.Quiesce.ToString().ToLowerInvariant()} for the cutover, expected within {Duration.Format(spec.Cutover.MaxDowntime)}; after {Duration.Format(spec.Cutover.MaxBlackout)} the source serves again");
        Console.WriteLine(forecast);
        var id = plan.Steps.Max(step => step.Id.Length);
        var on = plan.Steps.Max(step => step.Cluster?.Length ?? 0);
        foreach (var step in plan.Steps)
            Console.WriteLine($"  {step.Id.PadRight(id)}  {(step.Cluster ?? "-").PadRight(on)}  {(step.HasUndo ? "undo" : "    ")}  {(step.DependsOn.IsEmpty ? "" : $"after {string.Join(", ", step.DependsOn)}")}".TrimEnd());
    }

    private static Option<string> FileOption() => new("--file", "-f") { Description = "What to relocate (kind: Relocation).", HelpName = "FILE", Required = true };

    private static Option<string?> QuiesceOption() => new("--quiesce") { Description = "stop or freeze; instead of the file's.", HelpName = "MODE" };

    private static Option<bool> JsonOption() => new("--json") { Description = "One JSON document on standard output." };
}
