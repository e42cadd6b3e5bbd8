using System.CommandLine;
using System.Text.Json;
using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Cli.Running.Embedded;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate cluster</c>: the local clusters of the configuration.</summary>
internal static class ClusterCommands
{
    public static Command Create(GlobalOptions globals) => new("cluster", "The local clusters and their agents.")
    {
        Up(globals), Down(globals), Status(globals), Serve(globals),
    };

    private static Command Up(GlobalOptions globals)
    {
        var name = NameArgument();
        var command = new Command("up", "Start a cluster in the background, with the apps that were running; it outlives the terminal.") { name };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var cluster = globals.Cluster(parse, parse.GetRequiredValue(name));
            string[] arguments = ["cluster", "serve", cluster.Name, "--state", globals.StateDirectory(parse), "--config", globals.ConfigPath(parse).Path];
            var started = await ClusterProcess.StartAsync(cluster, arguments, cancellationToken);
            Console.WriteLine($"cluster '{cluster.Name}' is {(started ? "" : "already ")}up on {cluster.Config.Address}");
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Down(GlobalOptions globals)
    {
        var name = NameArgument();
        var force = new Option<bool>("--force") { Description = "Also while a relocation from or to it is open; that one then waits, or undoes itself." };
        var command = new Command("down", "Stop a cluster and its apps. They start again with it.") { name, force };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var cluster = globals.Cluster(parse, parse.GetRequiredValue(name));
            if (!parse.GetValue(force)
                && new JournalLocation(globals.StateDirectory(parse)).FindOpen().FirstOrDefault(each => each.Plan.Spec.Source == cluster.Name || each.Plan.Spec.Target == cluster.Name) is { } open)
                throw new RelocateException($"cluster '{cluster.Name}' is needed by relocation {open.Id}, which is not over; wait for it, 'relocate abort {open.Id}', or say --force");
            var stopped = await ClusterProcess.StopAsync(cluster, cancellationToken);
            Console.WriteLine(stopped ? $"cluster '{cluster.Name}' is down" : $"cluster '{cluster.Name}' was not running");
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Status(GlobalOptions globals)
    {
        var name = new Argument<string?>("NAME") { Description = "The cluster. Default: all of them.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("status", "Show whether clusters are up, and their apps. Exit code 3 when one is not up.") { name };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var (path, named) = globals.ConfigPath(parse);
            var all = parse.GetValue(name) is { } one
                ? [globals.Cluster(parse, one)]
                : ClusterEntry.All(ConfigFile.Load(path, named), globals.StateDirectory(parse));
            if (all.Count == 0)
                Console.WriteLine("no cluster is declared");
            var down = false;
            foreach (var cluster in all)
            {
                if (await cluster.IsUpAsync(cancellationToken))
                    Print((await cluster.CallAsync(AgentCalls.Describe, default, cancellationToken)).Deserialize(AgentCallsJson.Default.ClusterDescription)!);
                else
                {
                    down = true;
                    Console.WriteLine($"{cluster.Name}: down");
                }
            }

            return down ? ExitCode.Partial : ExitCode.Completed;
        });
        return command;
    }

    private static Command Serve(GlobalOptions globals)
    {
        var name = NameArgument();
        var command = new Command("serve", "Be the cluster and its agent, in the foreground.") { name };
        command.Hidden = true;
        command.SetAction((parse, cancellationToken) =>
        {
            var (path, named) = globals.ConfigPath(parse);
            return ClusterProcess.ServeAsync(
                globals.Cluster(parse, parse.GetRequiredValue(name)), () => ConfigFile.Load(path, named), globals.StateDirectory(parse), cancellationToken);
        });
        return command;
    }

    private static void Print(ClusterDescription cluster)
    {
        Console.WriteLine($"{cluster.Name}: up on {cluster.Address}, process {cluster.ProcessId}");
        foreach (var app in cluster.Apps)
            Console.WriteLine($"  {app.Name}: {AppCommands.Describe(app)}");
    }

    private static Argument<string> NameArgument() => new("NAME") { Description = "The cluster's name in the configuration." };
}
