using System.Collections.Immutable;
using StatefulRelocate.Cli.Commands;
using StatefulRelocate.Cli.Demo.Temporal;
using StatefulRelocate.Cli.Reports;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Cli.Running.Embedded;
using StatefulRelocate.Cli.Running.Temporal;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Reports;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines;
using StatefulRelocate.Engines.Faults;
using StatefulRelocate.Engines.Temporal.Client.Connecting;

namespace StatefulRelocate.Cli.Demo;

/// <summary>One demo from its first directory to its last: builds a small world, moves the app in it, looks what became of it, cleans up.</summary>
internal sealed class DemoSession : IAsyncDisposable
{
    private readonly DemoOptions _options;
    private readonly DemoOutput _output;
    private readonly Interrupts _interrupts;
    private readonly DemoSandbox _sandbox;
    private readonly DemoPrograms _programs;
    private readonly DemoTemporal? _temporal;
    private readonly DemoWorld _world;
    private bool _leave;

    private DemoSession(DemoOptions options, DemoOutput output, Interrupts interrupts, DemoSandbox sandbox, DemoPrograms programs, DemoTemporal? temporal)
    {
        (_options, _output, _interrupts, _sandbox, _programs, _temporal) = (options, output, interrupts, sandbox, programs, temporal);
        _world = new DemoWorld(options, sandbox, programs, temporal);
    }

    /// <summary>Runs it, prints the report and returns the exit code.</summary>
    public static async Task<int> RunAsync(DemoOptions options)
    {
        if (options is { Engine: EngineKind.Temporal, CrashAt: { } crashAt })
            throw new RelocateException($"--crash-at {crashAt}: kills the embedded engine; with --engine temporal kill relocate-server or an agent by hand meanwhile, and the relocation goes on with the next one");
        Check(FaultAction.Fail, options.FailAt, options);
        Check(FaultAction.Crash, options.CrashAt, options);
        var programs = DemoPrograms.Find();
        var temporal = options.Engine == EngineKind.Temporal ? DemoTemporal.Choose() : null;
        var output = new DemoOutput(options.Json);
        using var interrupts = new Interrupts();
        await using var session = new DemoSession(options, output, interrupts, DemoSandbox.Create(), programs, temporal);
        try
        {
            return await session.RunAsync();
        }
        catch (OperationCanceledException) when (interrupts.First.IsCancellationRequested)
        {
            const string reason = "left by Ctrl-C before the result was known; everything was ended and removed";
            await Console.Error.WriteLineAsync($"relocate: {reason}");
            if (options.Json)
                ReportPrinter.Print(new RelocationReport { Reason = reason }, json: true);
            return ExitCode.Interrupted;
        }
        catch (Exception error) when (options.Json)
        {
            // One document on standard output, whatever happened; the error itself goes its usual way.
            ReportPrinter.Print(new RelocationReport { Reason = error.Message.ReplaceLineEndings(" ") }, json: true);
            throw;
        }
    }

    /// <summary>Ends everything and removes it, unless it is to stay.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_leave)
            return;
        try
        {
            await _world.DisposeAsync();
            _temporal?.Dispose();
        }
        finally
        {
            await _sandbox.RemoveAsync(new DemoCommands(_sandbox, _programs));
        }
    }

    /// <summary>Refuses, before anything is touched, a fault at a step that the demo's relocation does not have.</summary>
    private static void Check(FaultAction action, string? fault, DemoOptions options)
    {
        if (fault is not null)
            Fault.Parse(action, fault, Planner.Plan(DemoFiles.Specification(options), "demo", fused: options.Engine == EngineKind.Temporal));
    }

    private async Task<int> RunAsync()
    {
        _output.Say($"building a world in {_sandbox.Directory}");
        await _world.BuildAsync(_output, _interrupts.First);

        _output.Say($"relocating '{DemoFiles.App}' from {DemoFiles.Source} to {DemoFiles.Target}, quiesce by {_options.Quiesce.ToString().ToLowerInvariant()}");
        using var record = new DemoRecord(RunCommands.NewId(DemoFiles.Specification(_options)), OpenEngineAsync);
        var relocation = new DemoRelocation(_options, _sandbox, _programs, record, _output);
        var left = await relocation.RunAsync(_interrupts);
        if (left)
        {
            _leave = true;
            SayHowToFinish(record.Id);
            return ExitCode.Interrupted;
        }

        var report = await ReportAsync(relocation);
        if (_options.Keep)
        {
            _leave = true;
            report = report with { Kept = await _world.KeepAsync(_interrupts.Second) };
        }

        ReportPrinter.Print(report, _options.Json);
        return Judge(report);
    }

    private async Task<IRelocationEngine> OpenEngineAsync(CancellationToken cancellationToken) => _temporal is null
        ? new JournalEngine(new JournalLocation(_sandbox.Directory), new RelocateConfig(), _sandbox.ConfigFile)
        : await TemporalEngine.ConnectAsync(ConnectionSettings.Load(_sandbox.AllVariables()), cancellationToken);

    private async Task<RelocationReport> ReportAsync(DemoRelocation relocation)
    {
        if (await relocation.Record.ReadToEndAsync(_interrupts.Second) is not { } view)
            throw new RelocateException($"relocate run: {relocation.LastError ?? "ended before it wrote a plan"}", ExitCode.OurError);
        var (plan, events) = (view.Log.Plan, view.Events);
        var report = ReportBuilder.Build(plan, events);
        if (report.Outcome is RelocationOutcome.Completed or RelocationOutcome.Compensated or RelocationOutcome.Aborted)
        {
            _output.Say("waiting until the client writes again");
            await _world.Clients.WaitUntilWritingAsync(report.ServedBy, _interrupts.Second);
        }

        if (!_options.Keep)
            await _world.Clients.StopAsync();
        _output.Say("reading every acknowledged write back");
        var observations = await _world.ObserveAsync(_interrupts.Second);
        report = ReportBuilder.Build(plan, events, observations, view.State.PredictedDowntime);
        return report with
        {
            ServedBy = await _world.ServedByAsync(_interrupts.Second),
            Crashes = relocation.Record.Crashes(),
            Steps = MarkInjected(report.Steps, relocation.Record.Faults()),
        };
    }

    /// <summary>A step that the engine tried again has no failure in its events; the journal knows of the fault.</summary>
    private static ImmutableArray<StepReport> MarkInjected(ImmutableArray<StepReport> steps, IReadOnlyList<JournaledFault> faults) =>
    [
        .. steps.Select(step => step with
        {
            Injected = step.Injected || faults.Any(fault => fault.Fault.Action == FaultAction.Fail && string.Equals(fault.Step, step.Id, StringComparison.Ordinal)),
        }),
    ];

    private int Judge(RelocationReport report)
    {
        if (report.AcknowledgedWritesLost > 0)
        {
            Console.Error.WriteLine($"relocate: {report.AcknowledgedWritesLost} acknowledged writes were lost");
            return ExitCode.Damage;
        }

        if (_options.FailAt is { } failAt && !report.Steps.Any(static step => step.Injected))
        {
            Console.Error.WriteLine($"relocate: --fail-at {failAt}: the relocation never came to that step");
            return ExitCode.OurError;
        }

        if (_options.CrashAt is { } crashAt && report.Crashes.IsEmpty)
        {
            Console.Error.WriteLine($"relocate: --crash-at {crashAt}: the relocation never came to that step");
            return ExitCode.OurError;
        }

        return report.Outcome switch
        {
            RelocationOutcome.Completed => ExitCode.Completed,
            RelocationOutcome.Compensated or RelocationOutcome.Aborted => ExitCode.Compensated,
            RelocationOutcome.NeedsAttention => ExitCode.NeedsAttention,
            _ => ExitCode.OurError,
        };
    }

    private void SayHowToFinish(string relocation)
    {
        _world.Mark();
        var self = string.Join(' ', _programs.Relocate);
        var where = $"--config {_sandbox.ConfigFile} --state {_sandbox.Directory}";
        Console.Error.WriteLine("relocate: left as it is; clusters, DNS server and clients go on");
        Console.Error.WriteLine(_temporal is null
            ? $"relocate: finish the relocation: {self} resume {relocation} {where}"
            : $"relocate: the relocation goes on too: TEMPORAL_ADDRESS={_temporal.Address} {self} watch {relocation} --engine temporal {where}");
        Console.Error.WriteLine($"relocate: end everything:       {self} demo end --state {_sandbox.Directory}");
        if (_options.Json)
            ReportPrinter.Print(new RelocationReport { Relocation = relocation, Reason = "left by a second Ctrl-C; 'relocate resume' finishes it" }, json: true);
    }
}
