using System.CommandLine;
using StatefulRelocate.Cli.Demo;
using StatefulRelocate.Cli.Running;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate demo</c>: a real app moves between two clusters on this machine, under load.</summary>
internal static class DemoCommand
{
    public static Command Create(GlobalOptions globals, EngineOption engine)
    {
        var size = new Option<string>("--size") { Description = "The data the app starts with.", HelpName = "SIZE", DefaultValueFactory = static _ => "256MiB" };
        var rate = new Option<int>("--write-rate") { Description = "Writes a second of each of the two clients (1 to 1000).", HelpName = "N", DefaultValueFactory = static _ => 50 };
        var quiesce = new Option<string>("--quiesce") { Description = "How the source falls silent: stop or freeze.", HelpName = "MODE", DefaultValueFactory = static _ => "stop" };
        var failAt = new Option<string?>("--fail-at") { Description = "Let a step fail: its kind or id, with :before or :after its effect (default: after).", HelpName = "STEP" };
        var crashAt = new Option<string?>("--crash-at") { Description = "Kill the engine at a step, and let a new process go on: its kind or id, with :before or :after (default: after).", HelpName = "STEP" };
        var keep = new Option<bool>("--keep") { Description = "Leave everything running, and say how to look at it and how to end it." };
        var json = new Option<bool>("--json") { Description = "Print the report as one JSON document (docs/report.md)." };
        var maxBlackout = new Option<int>("--max-blackout") { Description = "The hard bound of the blackout in milliseconds.", Hidden = true, DefaultValueFactory = static _ => 10_000 };
        var approval = new Option<bool>("--approval") { Description = "Wait for 'relocate approve' before the cutover.", Hidden = true };
        var command = new Command("demo", "Watch a real app move between two clusters on this machine, under load, and see what it cost.")
        {
            size, rate, engine.Option, quiesce, failAt, crashAt, keep, json, maxBlackout, approval, End(globals),
        };
        command.SetAction((parse, _) => DemoSession.RunAsync(new DemoOptions
        {
            Size = DemoOptions.ParseSize(parse.GetRequiredValue(size)),
            WriteRate = parse.GetValue(rate) is >= 1 and <= 1000 and var writes
                ? writes
                : throw new RelocateException($"--write-rate {parse.GetValue(rate)}: not a number from 1 to 1000"),
            Quiesce = parse.GetRequiredValue(quiesce) switch
            {
                "stop" => QuiesceMode.Stop,
                "freeze" => QuiesceMode.Freeze,
                var other => throw new RelocateException($"--quiesce {other}: unknown; use stop or freeze"),
            },
            Engine = engine.Kind(parse, new RelocateConfig()),
            FailAt = parse.GetValue(failAt),
            CrashAt = parse.GetValue(crashAt),
            Keep = parse.GetValue(keep),
            Json = parse.GetValue(json),
            Approval = parse.GetValue(approval),
            MaxBlackout = TimeSpan.FromMilliseconds(parse.GetValue(maxBlackout)),
        }));
        return command;
    }

    private static Command End(GlobalOptions globals)
    {
        var end = new Command("end", "End a demo that was left running: its apps, clusters, DNS server and clients, and remove its directory (--state).");
        end.SetAction(async (parse, _) =>
        {
            var directory = parse.GetValue(globals.State) ?? throw new RelocateException("demo end: say which demo with --state DIR, the directory that 'relocate demo --keep' named");
            var sandbox = DemoSandbox.Open(directory);
            await sandbox.RemoveAsync(new DemoCommands(sandbox, DemoPrograms.Find()));
            return ExitCode.Completed;
        });
        return end;
    }
}
