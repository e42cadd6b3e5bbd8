using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Connecting;
using StatefulRelocate.TestSupport.Servers;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Connecting;

public sealed class TemporalConnectorTests(SharedServer shared)
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_server_of_the_environment_is_connected_to()
    {
        var client = await TemporalConnector.ConnectAsync(Settings(shared.Server.Address), Token);

        Assert.True(await client.Connection.CheckHealthAsync());
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_said_at_once_with_the_address()
    {
        var address = $"127.0.0.1:{ServerProcess.FreePort()}";

        await IsRefusedAsync(Settings(address), address, "nothing listens there");
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up_within_seconds()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var clock = Stopwatch.StartNew();

        await IsRefusedAsync(Settings(silent.LocalEndpoint.ToString()!), "nobody answers");

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(9), $"{clock.Elapsed}");
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_said() => await IsRefusedAsync(Settings("temporal.invalid:7233"), "temporal.invalid:7233", "TEMPORAL_ADDRESS");

    [Fact]
    public async Task A_wrong_namespace_is_answered_with_those_that_are_there() =>
        await IsRefusedAsync(Settings(shared.Server.Address, ("TEMPORAL_NAMESPACE", "production")), "no namespace 'production'", "it has: default");

    [Fact]
    public async Task A_server_without_tls_is_told_from_one_with_it() =>
        await IsRefusedAsync(Settings(shared.Server.Address, ("TEMPORAL_TLS", "true")), "does not speak TLS");

    [Fact]
    public async Task A_server_with_tls_is_connected_to_when_its_authority_is_named()
    {
        var (authority, certificate) = TlsFront.Certificates("localhost", -s_hour, s_hour);
        await using var front = TlsFront.Start(shared.Server.Address, certificate);

        var client = await TemporalConnector.ConnectAsync(Settings(front.Address, ("TEMPORAL_TLS_SERVER_CA_CERT_DATA", authority.ExportCertificatePem())), Token);

        Assert.True(await client.Connection.CheckHealthAsync());
    }

    [Fact]
    public async Task A_server_that_wants_tls_says_so_to_who_does_not_speak_it()
    {
        var (_, certificate) = TlsFront.Certificates("localhost", -s_hour, s_hour);
        await using var front = TlsFront.Start(shared.Server.Address, certificate);

        await IsRefusedAsync(Settings(front.Address), "TEMPORAL_TLS=true");
    }

    [Fact]
    public async Task An_expired_certificate_is_called_expired()
    {
        var (authority, certificate) = TlsFront.Certificates("localhost", -2 * s_hour, -s_hour);
        await using var front = TlsFront.Start(shared.Server.Address, certificate);

        await IsRefusedAsync(Settings(front.Address, ("TEMPORAL_TLS_SERVER_CA_CERT_DATA", authority.ExportCertificatePem())), "its certificate has expired");
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_refused()
    {
        var (_, certificate) = TlsFront.Certificates("localhost", -s_hour, s_hour);
        await using var front = TlsFront.Start(shared.Server.Address, certificate);

        await IsRefusedAsync(Settings(front.Address, ("TEMPORAL_TLS", "true")), "TEMPORAL_TLS_SERVER_CA_CERT_PATH");
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        var (authority, certificate) = TlsFront.Certificates("elsewhere.example", -s_hour, s_hour);
        await using var front = TlsFront.Start(shared.Server.Address, certificate);

        await IsRefusedAsync(Settings(front.Address, ("TEMPORAL_TLS_SERVER_CA_CERT_DATA", authority.ExportCertificatePem())), "TEMPORAL_TLS_SERVER_NAME");
    }

    [Fact]
    public async Task A_client_certificate_lets_in_and_a_missing_one_does_not()
    {
        var (authority, certificate) = TlsFront.Certificates("localhost", -s_hour, s_hour);
        var (clients, mine) = TlsFront.Certificates("operator", -s_hour, s_hour);
        await using var front = TlsFront.Start(shared.Server.Address, certificate, clients);
        (string, string) trust = ("TEMPORAL_TLS_SERVER_CA_CERT_DATA", authority.ExportCertificatePem());
        using var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(mine)!;

        var client = await TemporalConnector.ConnectAsync(
            Settings(front.Address, trust, ("TEMPORAL_TLS_CLIENT_CERT_DATA", mine.ExportCertificatePem()), ("TEMPORAL_TLS_CLIENT_KEY_DATA", key.ExportPkcs8PrivateKeyPem())), Token);

        Assert.True(await client.Connection.CheckHealthAsync());
        await IsRefusedAsync(Settings(front.Address, trust), front.Address, "TEMPORAL_TLS_CLIENT_CERT_PATH");
    }

    [Theory]
    [InlineData("TEMPORAL_TLS_SERVER_CA_CERT_DATA")]
    [InlineData("TEMPORAL_TLS_CLIENT_CERT_DATA", "TEMPORAL_TLS_CLIENT_KEY_DATA")]
    public async Task A_certificate_that_is_none_is_refused(params string[] variables) =>
        await IsRefusedAsync(Settings(shared.Server.Address, [.. variables.Select(name => (name, "hunter2"))]), "PEM");

    [Fact]
    public async Task A_server_that_went_away_is_told_until_it_is_back()
    {
        await using var server = await TemporalServer.TryStartAsync(Token);
        if (server is null)
            Assert.Skip(TemporalServer.Missing);
        var settings = Settings(server.Address);
        var client = await TemporalConnector.ConnectAsync(settings, Token);

        await TemporalConnector.CheckAsync(client, settings, Token);
        await server.KillAsync();
        var error = await Assert.ThrowsAsync<RelocateException>(() => TemporalConnector.CheckAsync(client, settings, Token));
        await server.StartAgainAsync(Token);
        await TemporalConnector.CheckAsync(client, settings, Token);

        Assert.Contains(server.Address, error.Message, StringComparison.Ordinal);
    }

    private static ConnectionSettings Settings(string address, params (string Name, string Value)[] more) =>
        ConnectionSettings.Load(more.Append(("TEMPORAL_ADDRESS", address)).Append(("HOME", "/nowhere")).ToDictionary(each => each.Item1, each => each.Item2));

    private static async Task IsRefusedAsync(ConnectionSettings settings, params string[] said)
    {
        var error = await Assert.ThrowsAsync<RelocateException>(() => TemporalConnector.ConnectAsync(settings, Token));

        Assert.All(said, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', error.Message);
    }
}
