using System.CommandLine;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.Programs;
using StatefulRelocate.Server;

var byDefault = new ServerWorkerOptions();
var root = new RootCommand("Run relocations for a Temporal server: decides every step, touches nothing itself. It dials out, and may run several times at once.");
var listen = CheckedOptions.Address("--listen", "Serve /healthz, /readyz and /metrics (Prometheus) there; port 0 takes a free one. Default: nowhere.");
var cached = CheckedOptions.Number("--cached-workflows", "Relocations kept in memory between two events; others are replayed when they go on.", 1, 100_000, byDefault.MaximumCachedWorkflows);
var drain = CheckedOptions.Time("--drain", "How long running workflow tasks may take to end on SIGTERM.", TimeSpan.FromHours(1), byDefault.Drain);
var origins = new Option<string[]>("--codec-origin")
{
    Description = "Decode payloads for the Temporal UI of this origin, at /codec of --listen; may be repeated. Needs $RELOCATE_PAYLOAD_KEY_FILE. Default: for nobody.",
    HelpName = "http://HOST:PORT",
};
var token = new Option<string?>("--codec-token-file") { Description = "A file with the bearer token that /codec asks for. Default: it asks for none.", HelpName = "FILE" };
var verbose = new Option<bool>("--verbose") { Description = "Show details of errors." };
foreach (var option in (Option[])[listen, cached, drain, origins, token, verbose])
    root.Options.Add(option);
root.SetAction((parse, _) => ServerProgram.RunAsync(
    new ServerWorkerOptions { MaximumCachedWorkflows = parse.GetValue(cached), Drain = parse.GetValue(drain) },
    parse.GetValue(listen),
    parse.GetValue(origins) ?? [],
    parse.GetValue(token),
    parse.GetValue(verbose)));
return await CommandLineProgram.RunAsync(ServerProgram.Name, root, verbose, args).ConfigureAwait(false);
