using StatefulRelocate.Engines.Temporal.Client.Payloads;
using StatefulRelocate.Engines.Temporal.Tests.Rig;
using StatefulRelocate.TestSupport.Servers;
using Temporalio.Client;

[assembly: AssemblyFixture(typeof(SharedServer))]

namespace StatefulRelocate.Engines.Temporal.Tests.Rig;

/// <summary>One development server for all tests that do not kill it.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private TemporalServer? _server;
    private TemporalClient? _client;

    /// <summary>A client of it; skips the test where there is no server.</summary>
    public TemporalClient Client
    {
        get
        {
            Assert.SkipWhen(_client is null, TemporalServer.Missing);
            return _client!;
        }
    }

    public TemporalServer Server => _server!;

    public async ValueTask InitializeAsync()
    {
        _server = await TemporalServer.TryStartAsync(CancellationToken.None);
        if (_server is not null)
            _client = await _server.ConnectAsync(RelocationPayloads.Converter());
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
