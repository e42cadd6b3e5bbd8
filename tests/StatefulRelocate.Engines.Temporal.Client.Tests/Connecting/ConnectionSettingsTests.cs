using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Connecting;
using Temporalio.Client;
using Temporalio.Common.EnvConfig;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Connecting;

/// <summary>The settings are found as the SDK finds them, which in a native program cannot look by itself.</summary>
public sealed class ConnectionSettingsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("relocate-profiles-");

    private string File => Path.Combine(_directory.FullName, "temporal.toml");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("[profile.default]\naddress = \"a:1\"\nnamespace = \"n\"\n")]
    [InlineData("[profile.default]\naddress = \"a:1\"\napi_key = \"k\"\n")]
    [InlineData("[profile.default]\naddress = \"a:1\"\napi_key = \"k\"\n[profile.default.tls]\ndisabled = true\n")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n[profile.default.tls]\nserver_name = \"s\"\nserver_ca_cert_data = \"-----BEGIN X-----AAAA-----END X-----\"\nclient_cert_data = \"-----BEGIN X-----AAAA-----END X-----\"\nclient_key_data = \"-----BEGIN X-----BBBB-----END X-----\"\n")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n[profile.default.grpc_meta]\nx-one = \"1\"\nx-two = \"2\"\n")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n", "TEMPORAL_ADDRESS=b:2", "TEMPORAL_NAMESPACE=m")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n", "TEMPORAL_API_KEY=k")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n", "TEMPORAL_TLS=true")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n[profile.default.tls]\nserver_name = \"s\"\n", "TEMPORAL_TLS=false")]
    [InlineData("", "TEMPORAL_ADDRESS=b:2", "TEMPORAL_TLS_SERVER_NAME=s", "TEMPORAL_TLS_SERVER_CA_CERT_DATA=-----BEGIN X-----AAAA-----END X-----")]
    [InlineData("", "TEMPORAL_ADDRESS=b:2", "TEMPORAL_TLS_CLIENT_CERT_DATA=-----BEGIN X-----AAAA-----END X-----", "TEMPORAL_TLS_CLIENT_KEY_DATA=-----BEGIN X-----BBBB-----END X-----")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n[profile.cloud]\naddress = \"c:3\"\nnamespace = \"n\"\nunknown = 7\n", "TEMPORAL_PROFILE=cloud")]
    [InlineData("[profile.default]\naddress = \"a:1\"\n[profile.default.grpc_meta]\nx-one = \"1\"\n", "TEMPORAL_GRPC_META_X_TWO=2")]
    public void They_are_what_the_sdk_reads_itself(string file, params string[] variables)
    {
        System.IO.File.WriteAllText(File, file);
        var environment = variables.Append($"TEMPORAL_CONFIG_FILE={File}").Select(each => each.Split('=', 2)).ToDictionary(each => each[0], each => each[1]);
        var theirs = ClientEnvConfig.LoadClientConnectOptions(new() { OverrideEnvVars = environment });

        var ours = ConnectionSettings.Load(environment).ToOptions();

        Assert.Equal(theirs.TargetHost ?? "localhost:7233", ours.TargetHost);
        Assert.Equal(theirs.Namespace ?? "default", ours.Namespace);
        Assert.Equal(theirs.ApiKey, ours.ApiKey);
        Assert.Equal(Describe(theirs.Tls), Describe(ours.Tls));
        Assert.Equal((theirs.RpcMetadata ?? []).OrderBy(each => each.Key), (ours.RpcMetadata ?? []).OrderBy(each => each.Key));
    }

    [Theory]
    [InlineData("TEMPORAL_ADDRESS=localhost", "HOST:PORT")]
    [InlineData("TEMPORAL_ADDRESS=http://localhost:seven", "HOST:PORT")]
    [InlineData("TEMPORAL_ADDRESS=localhost:0", "HOST:PORT")]
    [InlineData("TEMPORAL_TLS=yes please", "true or false")]
    [InlineData("TEMPORAL_TLS_CLIENT_CERT_PATH=/tmp/c.pem", "give both")]
    [InlineData("TEMPORAL_CONFIG_FILE=/nowhere/temporal.toml", "/nowhere/temporal.toml")]
    [InlineData("TEMPORAL_PROFILE=cloud", "'cloud'")]
    [InlineData("RELOCATE_PAYLOAD_KEY_FILE=/nowhere/key", "/nowhere/key")]
    public void What_makes_no_sense_is_said_in_one_line(string variable, string said)
    {
        var pair = variable.Split('=', 2);
        var environment = new Dictionary<string, string> { ["HOME"] = _directory.FullName, [pair[0]] = pair[1] };

        var error = Assert.Throws<RelocateException>(() => ConnectionSettings.Load(environment));

        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(ExitCode.BadInput, error.ExitCode);
    }

    [Theory]
    [InlineData("[profile.default\n", 1)]
    [InlineData("[profile.default]\napi_key = hunter2\n", 2)]
    [InlineData("[profile.default]\naddress = \"a:1\"\napi_key = [\"hunter2\"]\n", 3)]
    public void A_broken_profile_file_is_named_with_the_line_and_without_what_stands_there(string text, int line)
    {
        System.IO.File.WriteAllText(File, text);

        var error = Assert.Throws<RelocateException>(() => ConnectionSettings.Load(new Dictionary<string, string> { ["TEMPORAL_CONFIG_FILE"] = File }));

        Assert.StartsWith($"{File}: line {line}:", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_that_is_not_there_is_answered_with_those_that_are()
    {
        System.IO.File.WriteAllText(File, "[profile.default]\n[profile.production]\n");

        var error = Assert.Throws<RelocateException>(() => ConnectionSettings.Load(new Dictionary<string, string> { ["TEMPORAL_CONFIG_FILE"] = File, ["TEMPORAL_PROFILE"] = "prod" }));

        Assert.Contains("default, production", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_cannot_be_read_is_named()
    {
        var settings = ConnectionSettings.Load(new Dictionary<string, string> { ["TEMPORAL_TLS_SERVER_CA_CERT_PATH"] = "/nowhere/ca.pem" });

        Assert.Contains("/nowhere/ca.pem", Assert.Throws<RelocateException>(settings.ToOptions).Message, StringComparison.Ordinal);
    }

    private static string Describe(TlsOptions? tls) =>
        tls is null ? "none" : $"{tls.Disabled} {tls.Domain} {Text(tls.ServerRootCACert)} {Text(tls.ClientCert)} {Text(tls.ClientPrivateKey)}";

    private static string Text(byte[]? bytes) => bytes is null ? "-" : System.Text.Encoding.UTF8.GetString(bytes);
}
