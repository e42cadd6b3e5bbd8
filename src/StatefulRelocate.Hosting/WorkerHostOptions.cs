using System.Net;
using Microsoft.AspNetCore.Builder;
using StatefulRelocate.Hosting.Metrics;
using StatefulRelocate.Hosting.Presences;
using Temporalio.Client;
using Temporalio.Client.Interceptors;
using Temporalio.Worker;

namespace StatefulRelocate.Hosting;

/// <summary>What a program that hosts Temporal workers is made of.</summary>
public sealed record WorkerHostOptions
{
    /// <summary>The program's name, as it is typed.</summary>
    public required string Program { get; init; }

    /// <summary>Makes the workers, each time anew, once everything that they need is there.</summary>
    public required Func<ITemporalClient, IReadOnlyList<TemporalWorker>> Workers { get; init; }

    /// <summary>What is done, for people: <c>polling the queues …</c>.</summary>
    public required string Doing { get; init; }

    /// <summary>What the program needs beside Temporal. Default: nothing.</summary>
    public IReadOnlyList<Presence> Needs { get; init; } = [];

    /// <summary>Where health and metrics are served. Default: nowhere.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Adds what is served there besides. Default: nothing.</summary>
    public Action<WebApplication> Routes { get; init; } = static _ => { };

    /// <summary>The metrics that are served.</summary>
    public MetricRegistry Metrics { get; init; } = new();

    /// <summary>What sees every activity that a worker runs. Default: nothing.</summary>
    public IReadOnlyCollection<IClientInterceptor> Interceptors { get; init; } = [];

    /// <summary>Whether the Temporal SDK's own words are shown. Default: its errors only.</summary>
    public bool Verbose { get; init; }
}
