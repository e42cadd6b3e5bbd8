using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Cli.Demo;

/// <summary>The files that a user would write: configuration, app and relocation.</summary>
internal static class DemoFiles
{
    public const string App = "images";
    public const string Source = "edge-a";
    public const string Target = "edge-b";
    public const string Repository = "demo";
    public const string DnsServer = "local";
    public const string Zone = "edge.test";
    public const string Volume = "data";
    public const int AppPort = 8080;
    public const int DnsPort = 5353;

    /// <summary>The app's name, fully qualified.</summary>
    public const string Name = $"{App}.{Zone}";

    /// <summary>What the relocation file says, as far as it decides which steps there are.</summary>
    public static RelocationSpec Specification(DemoOptions options) => new()
    {
        App = App,
        Source = Source,
        Target = Target,
        Repository = Repository,
        Dns = new DnsSpec { Server = DnsServer, Zone = Zone, Name = App },
        Cutover = new CutoverSpec { Quiesce = options.Quiesce, Approval = options.Approval },
    };

    public static async Task WriteAsync(DemoSandbox sandbox, DemoOptions options, DemoPrograms programs, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken)
    {
        await WritePrivateAsync(sandbox.KeyFile, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), cancellationToken);
        await WritePrivateAsync(sandbox.ConfigFile, $$"""
            apiVersion: relocate/v1alpha1
            kind: Config
            repositories:
              {{Repository}}: {url: "dir:{{sandbox.RepositoryDirectory}}", keyFile: "{{sandbox.KeyFile}}"}
            clusters:
              {{Source}}: {type: local, address: {{addresses[0]}}}
              {{Target}}: {type: local, address: {{addresses[1]}}}
            dns:
              {{DnsServer}}: {type: embedded, listen: "{{addresses[2]}}:{{DnsPort}}", zones: [{{Zone}}]}

            """, cancellationToken);
        await WritePrivateAsync(sandbox.AppFile, $$"""
            apiVersion: relocate/v1alpha1
            kind: App
            name: {{App}}
            volumes:
              - name: {{Volume}}
            processes:
              - name: web
                command: [{{Quoted(programs.ImageServer)}}, "--data", "${volumes.{{Volume}}}", "--listen", "${address}:{{AppPort}}", "--seed", "{{options.Size.ToString(CultureInfo.InvariantCulture)}}"]
                stop: {signal: TERM, grace: 5s}
            readiness: {http: {port: {{AppPort}}, path: /ready}, period: 10ms, timeout: 60s}

            """, cancellationToken);
        await WritePrivateAsync(sandbox.RelocationFile, $$"""
            apiVersion: relocate/v1alpha1
            kind: Relocation
            app: {{App}}
            source: {{Source}}
            target: {{Target}}
            repository: {{Repository}}
            dns: {server: {{DnsServer}}, zone: {{Zone}}, name: {{App}}, ttl: 1s}
            cutover:
              quiesce: {{(options.Quiesce == QuiesceMode.Freeze ? "freeze" : "stop")}}
              maxDowntime: 500ms
              maxBlackout: {{((int)options.MaxBlackout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)}}ms
              onNoConvergence: cutover-anyway
              approval: {{(options.Approval ? "true" : "false")}}

            """, cancellationToken);
    }

    private static string Quoted(IEnumerable<string> words) =>
        string.Join(", ", words.Select(static word => $"\"{word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));

    private static async Task WritePrivateAsync(string path, string text, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using var writer = new StreamWriter(path, options);
        await writer.WriteAsync(text.AsMemory(), cancellationToken);
    }
}
