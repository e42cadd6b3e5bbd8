using System.CommandLine;
using StatefulRelocate.Agent;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.Programs;

var byDefault = new AgentWorkerOptions { Cluster = "" };
var root = new RootCommand("Carry out a cluster's part of relocations for a Temporal server. It runs beside the cluster, dials out, and may run several times at once.");
var globals = GlobalOptions.AddTo(root);
var cluster = new Option<string>("--cluster") { Description = "The cluster, as the configuration names it; 'relocate cluster up' starts it.", HelpName = "NAME", Required = true };
var node = new Option<string>("--node") { Description = "The node, whose queue is polled too. Default: the host's name.", HelpName = "NAME", DefaultValueFactory = _ => byDefault.Node };
var listen = CheckedOptions.Address("--listen", "Serve /healthz, /readyz and /metrics (Prometheus) there; port 0 takes a free one. Default: nowhere.");
var transfers = CheckedOptions.Number("--transfers", "Snapshots and restores at once.", 1, 1000, byDefault.MaximumConcurrentTransfers);
var activities = CheckedOptions.Number("--activities", "All activities at once, those included that wait for their turn.", 1, 10_000, byDefault.MaximumConcurrentActivities);
var drain = CheckedOptions.Time("--drain", "How long running activities may take to end on SIGTERM.", TimeSpan.FromHours(1), byDefault.Drain);
foreach (var option in (Option[])[cluster, node, listen, transfers, activities, drain])
    root.Options.Add(option);
root.SetAction((parse, _) => AgentProgram.RunAsync(
    globals.Cluster(parse, parse.GetRequiredValue(cluster)),
    new AgentWorkerOptions
    {
        Cluster = parse.GetRequiredValue(cluster),
        Node = parse.GetRequiredValue(node),
        MaximumConcurrentTransfers = parse.GetValue(transfers),
        MaximumConcurrentActivities = parse.GetValue(activities),
        Drain = parse.GetValue(drain),
    },
    parse.GetValue(listen),
    parse.GetValue(globals.Verbose)));
return await CommandLineProgram.RunAsync(AgentProgram.Name, root, globals.Verbose, args).ConfigureAwait(false);
