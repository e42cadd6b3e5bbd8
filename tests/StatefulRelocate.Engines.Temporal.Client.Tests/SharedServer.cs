using StatefulRelocate.Engines.Temporal.Client.Contract;
using StatefulRelocate.TestSupport.Servers;

[assembly: AssemblyFixture(typeof(StatefulRelocate.Engines.Temporal.Client.Tests.SharedServer))]

namespace StatefulRelocate.Engines.Temporal.Client.Tests;

/// <summary>One server for all tests that need nothing of their own; it knows the search attributes.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private TemporalServer? _server;

    /// <summary>The server; a test that asks for it is skipped where there is none.</summary>
    public TemporalServer Server
    {
        get
        {
            if (_server is null)
                Assert.Skip(TemporalServer.Missing);
            return _server;
        }
    }

    public async ValueTask InitializeAsync() => _server = await TemporalServer.TryStartAsync(
        new TemporalServerOptions
        {
            SearchAttributes = [RelocationAttributes.App.Name, RelocationAttributes.Source.Name, RelocationAttributes.Target.Name, RelocationAttributes.Phase.Name],
        },
        CancellationToken.None);

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
