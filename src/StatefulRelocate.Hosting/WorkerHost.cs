using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Connecting;
using StatefulRelocate.Hosting.Endpoints;
using StatefulRelocate.Hosting.Metrics;
using StatefulRelocate.Hosting.Presences;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Runtime;

namespace StatefulRelocate.Hosting;

/// <summary>
/// The life of a program that hosts Temporal workers: waits for what it needs, works, and drains when it is told to stop. Nothing that is
/// away ends it; only a stop does, or what no waiting mends.
/// </summary>
public sealed partial class WorkerHost
{
    private readonly WorkerHostOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConnectionSettings _settings;
    private readonly ILoggerFactory _loggers;
    private readonly TemporalRuntime _runtime;
    private readonly Presence _temporal;
    private ITemporalClient? _client;
    private volatile bool _working;

    private WorkerHost(WorkerHostOptions options, ConnectionSettings settings, ILoggerFactory loggers, TimeProvider time)
    {
        (_options, _settings, _loggers, _time) = (options, settings, loggers, time);
        _logger = loggers.CreateLogger(options.Program);
        _temporal = new Presence($"Temporal server {settings.Address}", AskTemporalAsync);
        _runtime = new TemporalRuntime(new TemporalRuntimeOptions
        {
            Telemetry = new TelemetryOptions
            {
                Metrics = options.Listen is null ? null : new TemporalMetrics(options.Metrics).ToOptions(),
                // Of an outage it speaks at every try; that is said once, by the presence.
                Logging = new LoggingOptions(new TelemetryFilterOptions(Level(options.Verbose), Level(options.Verbose)))
                {
                    Forwarding = new LogForwardingOptions(loggers.CreateLogger("temporal")),
                },
            },
        });
    }

    /// <summary>Runs until SIGTERM or SIGINT, and drains then.</summary>
    /// <param name="options">What runs.</param>
    /// <param name="settings">How Temporal is reached.</param>
    /// <exception cref="RelocateException">The address to listen on is taken.</exception>
    public static async Task RunAsync(WorkerHostOptions options, ConnectionSettings settings)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(settings);
        using var signals = new StopSignals();
        using var loggers = LoggerFactory.Create(logging => logging
            .SetMinimumLevel(options.Verbose ? LogLevel.Debug : LogLevel.Warning)
            .AddFilter(options.Program, LogLevel.Information)
            .AddConsole(static console => (console.FormatterName, console.LogToStandardErrorThreshold) = (LineFormatter.FormatterName, LogLevel.Trace))
            .Services.AddSingleton<ConsoleFormatter>(new LineFormatter(options.Verbose, TimeProvider.System)));
        var host = new WorkerHost(options, settings, loggers, TimeProvider.System);
        await host.ServeAsync(signals.Stop).ConfigureAwait(false);
    }

    private static TelemetryFilterOptions.Level Level(bool verbose) => verbose ? TelemetryFilterOptions.Level.Info : TelemetryFilterOptions.Level.Error;

    private async Task ServeAsync(CancellationToken stop)
    {
        var endpoint = _options.Listen is { } listen
            ? await StatusEndpoint.StartAsync(listen, WhatIsMissing, _options.Metrics, _options.Routes, stop).ConfigureAwait(false)
            : null;
        try
        {
            if (endpoint is not null)
                LogListening(_logger, endpoint.Address);
            while (!stop.IsCancellationRequested)
                await WorkWhenAllIsThereAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop; what ran has ended, or was cancelled after its time.
        }
        finally
        {
            if (endpoint is not null)
                await endpoint.DisposeAsync().ConfigureAwait(false);
        }

        LogStopped(_logger);
    }

    private async Task WorkWhenAllIsThereAsync(CancellationToken stop)
    {
        foreach (var need in Needs())
            await need.WaitAsync(_logger, _time, stop).ConfigureAwait(false);
        LogWorking(_logger, _options.Doing);
        try
        {
            await WorkAsync(stop).ConfigureAwait(false);
        }
        catch (Exception error) when (error is InvalidOperationException or RpcException && !stop.IsCancellationRequested)
        {
            // A worker that begins needs the server's answer at once; one that works waits for it by itself.
            if (await _temporal.LookAsync(_logger, stop).ConfigureAwait(false))
                throw new RelocateException($"{_temporal.Name}: {error.Message.ReplaceLineEndings(" ")}", ExitCode.OurError, error);
        }
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var watching = Needs().Select(need => need.WatchAsync(_logger, _time, ending.Token)).ToList();
        await using var draining = stop.Register(() =>
        {
            _working = false;
            LogDraining(_logger);
        }).ConfigureAwait(false);
        _working = true;
        var workers = _options.Workers(_client!);
        try
        {
            var running = workers.Select(worker => worker.ExecuteAsync(ending.Token)).ToList();
            await Task.WhenAny(running).ConfigureAwait(false);
            // One without the other is half a program: both end, and the first failure is told.
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var worker in workers)
                worker.Dispose();
        }
    }

    private async Task<string?> AskTemporalAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_client is null)
                _client = await TemporalConnector.ConnectAsync(_settings, Configure, cancellationToken).ConfigureAwait(false);
            else
                await TemporalConnector.CheckAsync(_client, _settings, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (RelocateException error)
        {
            return error.Message;
        }
    }

    private void Configure(TemporalClientConnectOptions options) =>
        (options.Runtime, options.LoggerFactory, options.Interceptors) = (_runtime, _loggers, _options.Interceptors);

    private IEnumerable<Presence> Needs() => [.. _options.Needs, _temporal];

    private IReadOnlyList<string> WhatIsMissing() =>
    [
        .. Needs().Where(static need => !need.IsThere).Select(static need => $"{need.Name} does not answer"),
        .. _working ? (string[])[] : ["not polling"],
    ];

    [LoggerMessage(Level = LogLevel.Information, Message = "health and metrics at {Address}")]
    private static partial void LogListening(ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Doing}")]
    private static partial void LogWorking(ILogger logger, string doing);

    [LoggerMessage(Level = LogLevel.Information, Message = "told to stop; what runs may end")]
    private static partial void LogDraining(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "stopped")]
    private static partial void LogStopped(ILogger logger);
}
