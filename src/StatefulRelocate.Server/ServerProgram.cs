using System.Net;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Connecting;
using StatefulRelocate.Engines.Temporal.Workers;
using StatefulRelocate.Hosting;
using StatefulRelocate.Server.Codec;

namespace StatefulRelocate.Server;

/// <summary>What <c>relocate-server</c> does: runs the workflows of relocations.</summary>
internal static class ServerProgram
{
    public const string Name = "relocate-server";

    public static async Task<int> RunAsync(ServerWorkerOptions worker, IPEndPoint? listen, IReadOnlyList<string> codecOrigins, string? codecTokenFile, bool verbose)
    {
        var settings = ConnectionSettings.Load();
        var codec = CodecSettings.Read(codecOrigins, codecTokenFile, listen, settings.Codec);
        await WorkerHost.RunAsync(
            new WorkerHostOptions
            {
                Program = Name,
                Doing = $"running relocations of the queue '{worker.TaskQueue}'",
                Workers = client => [RelocationWorkers.ForServer(client, worker)],
                Listen = listen,
                Routes = application => codec?.AddTo(application),
                Verbose = verbose,
            },
            settings).ConfigureAwait(false);
        return ExitCode.Completed;
    }
}
