using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Hosting.Metrics;

namespace StatefulRelocate.Hosting.Endpoints;

/// <summary>The HTTP address of a worker program: <c>/healthz</c> while it lives, <c>/readyz</c> while it can work, <c>/metrics</c>.</summary>
internal sealed class StatusEndpoint : IAsyncDisposable
{
    private readonly WebApplication _application;

    private StatusEndpoint(WebApplication application) => _application = application;

    /// <summary>Where it listens.</summary>
    public string Address => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <param name="listen">The address; port 0 takes a free one.</param>
    /// <param name="whatIsMissing">What keeps the program from working, a line each; none: it is ready.</param>
    /// <param name="metrics">What <c>/metrics</c> shows.</param>
    /// <param name="addRoutes">Adds what the program serves besides.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="RelocateException">The address cannot be listened on.</exception>
    public static async Task<StatusEndpoint> StartAsync(
        IPEndPoint listen, Func<IReadOnlyList<string>> whatIsMissing, MetricRegistry metrics, Action<WebApplication> addRoutes, CancellationToken cancellationToken)
    {
        // Nothing from files or variables: an address that a stranger's ASPNETCORE_URLS adds would not be the one that was asked for.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(listen);
        });
        builder.Services.AddRoutingCore();
        var application = builder.Build();
        addRoutes(application);
        application.MapGet("/healthz", static context => context.Response.WriteAsync("ok\n"));
        application.MapGet("/readyz", context =>
        {
            var missing = whatIsMissing();
            context.Response.StatusCode = missing.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync(missing.Count == 0 ? "ok\n" : $"{string.Join('\n', missing)}\n");
        });
        application.MapGet("/metrics", context =>
        {
            context.Response.ContentType = MetricRegistry.ContentType;
            return context.Response.WriteAsync(metrics.Write());
        });
        try
        {
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
            return new StatusEndpoint(application);
        }
        catch (IOException error)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new RelocateException($"--listen {listen}: cannot listen there: {(error.InnerException ?? error).Message}; choose another address or port", inner: error);
        }
    }

    public async ValueTask DisposeAsync() => await _application.DisposeAsync().ConfigureAwait(false);
}
