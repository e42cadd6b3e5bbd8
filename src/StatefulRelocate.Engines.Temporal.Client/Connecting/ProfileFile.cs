using System.Text.Json.Serialization;
using StatefulRelocate.Core.Errors;
using Tomlyn;
using Tomlyn.Serialization;

namespace StatefulRelocate.Engines.Temporal.Client.Connecting;

/// <summary>
/// The profile file of the Temporal CLI and SDKs (<c>temporal.toml</c>), as https://docs.temporal.io/develop/environment-configuration has it. The SDK's own
/// reader (<c>ClientEnvConfig</c>) needs reflection, which a native program does not have; a test holds this one against it.
/// </summary>
internal sealed class ProfileFile
{
    public Dictionary<string, ProfileSection> Profile { get; set; } = [];

    /// <summary>Reads one profile.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fileNamed">Whether the user named the file; one that was not named may be missing.</param>
    /// <param name="profile">The profile's name, or null: <c>default</c>, which may be missing.</param>
    public static ProfileSection Read(string path, bool fileNamed, string? profile)
    {
        if (!File.Exists(path) && !fileNamed)
            return profile is null ? new ProfileSection() : throw new RelocateException($"TEMPORAL_PROFILE is '{profile}', and there is no {path}; make it, or name a file with TEMPORAL_CONFIG_FILE");
        var profiles = Parse(path).Profile;
        return profiles.GetValueOrDefault(profile ?? "default")
            ?? (profile is null ? new ProfileSection() : throw new RelocateException($"{path}: there is no profile '{profile}' (TEMPORAL_PROFILE); it has: {(profiles.Count == 0 ? "none" : string.Join(", ", profiles.Keys.Order(StringComparer.Ordinal)))}"));
    }

    private static ProfileFile Parse(string path)
    {
        try
        {
            return TomlSerializer.Deserialize(File.ReadAllText(path), ProfileToml.Default.ProfileFile) ?? new ProfileFile();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: the Temporal profile file cannot be read (TEMPORAL_CONFIG_FILE): {error.Message}", inner: error);
        }
        catch (TomlException error)
        {
            // The message may quote the line, and the line may hold an API key.
            throw new RelocateException($"{path}: line {error.Line}: no TOML, or no Temporal profile; see 'temporal config --help'", inner: error);
        }
    }
}

/// <summary>One profile.</summary>
internal sealed class ProfileSection
{
    public string? Address { get; set; }

    public string? Namespace { get; set; }

    public string? ApiKey { get; set; }

    public TlsSection? Tls { get; set; }

    public Dictionary<string, string> GrpcMeta { get; set; } = [];
}

/// <summary>The TLS settings of a profile.</summary>
internal sealed class TlsSection
{
    public bool? Disabled { get; set; }

    public string? ServerName { get; set; }

    public string? ServerCaCertPath { get; set; }

    public string? ServerCaCertData { get; set; }

    public string? ClientCertPath { get; set; }

    public string? ClientCertData { get; set; }

    public string? ClientKeyPath { get; set; }

    public string? ClientKeyData { get; set; }
}

[TomlSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[TomlSerializable(typeof(ProfileFile))]
internal sealed partial class ProfileToml : TomlSerializerContext;
