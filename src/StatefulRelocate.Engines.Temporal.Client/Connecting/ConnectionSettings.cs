using System.Collections;
using System.Security.Cryptography;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Payloads;
using Temporalio.Client;
using Temporalio.Common.EnvConfig;
using Temporalio.Converters;

namespace StatefulRelocate.Engines.Temporal.Client.Connecting;

/// <summary>Which Temporal server, and with what credentials and payload key: as the Temporal CLI and SDKs find it, the environment before the profile file.</summary>
public sealed class ConnectionSettings
{
    /// <summary>The variable that names the file with the payload key.</summary>
    public const string PayloadKeyFileVariable = "RELOCATE_PAYLOAD_KEY_FILE";

    private readonly ClientEnvConfig.Profile _profile;

    private ConnectionSettings(ClientEnvConfig.Profile profile, IPayloadCodec? codec) => (_profile, Codec) = (profile, codec);

    /// <summary>Host and port. Default: <c>localhost:7233</c>.</summary>
    public string Address => _profile.Address!;

    /// <summary>The namespace. Default: <c>default</c>.</summary>
    public string Namespace => _profile.Namespace!;

    /// <summary>Whether the connection is encrypted.</summary>
    public bool UsesTls => _profile.Tls is { Disabled: not true } || (_profile.Tls is null && _profile.ApiKey is not null);

    /// <summary>Encrypts payloads, or null where no key is configured.</summary>
    public IPayloadCodec? Codec { get; }

    /// <summary>Reads them from an environment and the profile file that it names.</summary>
    /// <param name="environment">The variables. Default: those of this process.</param>
    /// <exception cref="RelocateException">Something in them makes no sense; one line says what.</exception>
    public static ConnectionSettings Load(IReadOnlyDictionary<string, string>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
        string? Get(string name) => environment.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
        var file = Get("TEMPORAL_CONFIG_FILE");
        var section = ProfileFile.Read(file ?? DefaultFile(Get), file is not null, Get("TEMPORAL_PROFILE"));
        var address = Get("TEMPORAL_ADDRESS") ?? section.Address ?? "localhost:7233";
        var colon = address.LastIndexOf(':');
        if (colon < 1 || !ushort.TryParse(address.AsSpan(colon + 1), out var port) || port == 0)
            throw new RelocateException($"the address of the Temporal server is '{address}' (TEMPORAL_ADDRESS); write HOST:PORT, as in localhost:7233");
        var profile = new ClientEnvConfig.Profile(
            address,
            Get("TEMPORAL_NAMESPACE") ?? section.Namespace ?? "default",
            Get("TEMPORAL_API_KEY") ?? section.ApiKey,
            ReadTls(Get, section.Tls),
            ReadMetadata(environment, section.GrpcMeta));
        return new ConnectionSettings(profile, Get(PayloadKeyFileVariable) is { } keyFile ? new AesGcmPayloadCodec(PayloadKey.Read(keyFile)) : null);
    }

    /// <summary>The options of the SDK.</summary>
    /// <exception cref="RelocateException">A certificate or key cannot be read.</exception>
    internal TemporalClientConnectOptions ToOptions()
    {
        try
        {
            var options = _profile.ToClientConnectionOptions();
            MustBePem(options.Tls?.ServerRootCACert, "authority's certificate (TEMPORAL_TLS_SERVER_CA_CERT_PATH)");
            MustBePem(options.Tls?.ClientCert, "client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)");
            MustBePem(options.Tls?.ClientPrivateKey, "client's key (TEMPORAL_TLS_CLIENT_KEY_PATH)");
            options.DataConverter = RelocationPayloads.Converter(Codec);
            return options;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"Temporal server {Address}: a TLS certificate or key cannot be read: {error.Message}", inner: error);
        }
    }

    private void MustBePem(byte[]? bytes, string what)
    {
        if (bytes is not null && !PemEncoding.TryFindUtf8(bytes, out _))
            throw new RelocateException($"Temporal server {Address}: the {what} is not in PEM format ('-----BEGIN ...')");
    }

    private static string DefaultFile(Func<string, string?> get) =>
        Path.Combine(get("XDG_CONFIG_HOME") ?? Path.Combine(get("HOME") ?? "/", ".config"), "temporalio", "temporal.toml");

    /// <summary>TEMPORAL_GRPC_META_X_NAME is the header x-name; an empty value takes one of the file away.</summary>
    private static Dictionary<string, string> ReadMetadata(IReadOnlyDictionary<string, string> environment, Dictionary<string, string> section)
    {
        const string prefix = "TEMPORAL_GRPC_META_";
        var metadata = new Dictionary<string, string>(section);
        foreach (var (name, value) in environment.Where(variable => variable.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            var header = name[prefix.Length..].Replace('_', '-').ToLowerInvariant();
            if (value.Length == 0)
                metadata.Remove(header);
            else
                metadata[header] = value;
        }

        return metadata;
    }

    private static ClientEnvConfig.Tls? ReadTls(Func<string, string?> get, TlsSection? section)
    {
        var disabled = get("TEMPORAL_TLS") switch
        {
            null => section?.Disabled,
            "1" or "true" or "TRUE" or "True" => false,
            "0" or "false" or "FALSE" or "False" => true,
            var other => throw new RelocateException($"TEMPORAL_TLS is '{other}'; write true or false"),
        };
        var server = get("TEMPORAL_TLS_SERVER_NAME") ?? section?.ServerName;
        var authority = Source(get, "SERVER_CA_CERT", section?.ServerCaCertPath, section?.ServerCaCertData);
        var certificate = Source(get, "CLIENT_CERT", section?.ClientCertPath, section?.ClientCertData);
        var key = Source(get, "CLIENT_KEY", section?.ClientKeyPath, section?.ClientKeyData);
        if (certificate is null != key is null)
            throw new RelocateException("of the TLS client certificate and its key only one is given (TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH); give both");
        return section is null && disabled is null && server is null && authority is null && certificate is null
            ? null
            : new ClientEnvConfig.Tls(disabled, server, authority, certificate, key);
    }

    private static DataSource? Source(Func<string, string?> get, string name, string? sectionPath, string? sectionData)
    {
        var (path, data) = (get($"TEMPORAL_TLS_{name}_PATH"), get($"TEMPORAL_TLS_{name}_DATA"));
        if (path is null && data is null)
            (path, data) = (sectionPath, sectionData);
        return (path, data) switch
        {
            (null, null) => null,
            (not null, null) => DataSource.FromPath(path),
            (null, not null) => DataSource.FromUTF8String(data),
            _ => throw new RelocateException($"both a path and data are given for TEMPORAL_TLS_{name}; keep one of them"),
        };
    }
}
