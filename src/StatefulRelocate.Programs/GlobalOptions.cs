using System.CommandLine;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Programs;

/// <summary>The options that every command takes. Flags beat environment beat file.</summary>
public sealed class GlobalOptions
{
    private GlobalOptions()
    {
    }

    /// <summary>The state directory: <c>--state</c>, <c>RELOCATE_STATE</c>, else <c>$XDG_STATE_HOME/relocate</c>.</summary>
    public Option<string?> State { get; } = new("--state")
    {
        Description = "The state directory. Default: $RELOCATE_STATE, else $XDG_STATE_HOME/relocate (~/.local/state/relocate).",
        HelpName = "DIR",
        Recursive = true,
    };

    /// <summary>The configuration: <c>--config</c>, <c>RELOCATE_CONFIG</c>, else <c>$XDG_CONFIG_HOME/relocate/config.yaml</c>.</summary>
    public Option<string?> Config { get; } = new("--config")
    {
        Description = "The configuration file. Default: $RELOCATE_CONFIG, else $XDG_CONFIG_HOME/relocate/config.yaml.",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>Stack traces and details on standard error.</summary>
    public Option<bool> Verbose { get; } = new("--verbose") { Description = "Show details of errors.", Recursive = true };

    /// <summary>Adds them to a program.</summary>
    public static GlobalOptions AddTo(RootCommand root)
    {
        ArgumentNullException.ThrowIfNull(root);
        var globals = new GlobalOptions();
        root.Options.Add(globals.State);
        root.Options.Add(globals.Config);
        root.Options.Add(globals.Verbose);
        return globals;
    }

    /// <summary>The state directory, made with mode 0700 when it is missing.</summary>
    /// <exception cref="RelocateException">It cannot be made.</exception>
    public string StateDirectory(ParseResult parse)
    {
        ArgumentNullException.ThrowIfNull(parse);
        var path = parse.GetValue(State) ?? FromEnvironment("RELOCATE_STATE")
            ?? Path.Combine(FromEnvironment("XDG_STATE_HOME") ?? Path.Combine(Home, ".local", "state"), "relocate");
        path = Path.GetFullPath(path);
        if (!Directory.Exists(path))
        {
            try
            {
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new RelocateException($"{path}: cannot make the state directory: {error.Message}; choose another with --state", inner: error);
            }
        }

        return path;
    }

    /// <summary>The path of the configuration file, and whether the user named it (then it must exist).</summary>
    public (string Path, bool Named) ConfigPath(ParseResult parse)
    {
        ArgumentNullException.ThrowIfNull(parse);
        var named = parse.GetValue(Config) ?? FromEnvironment("RELOCATE_CONFIG");
        return named is not null
            ? (Path.GetFullPath(named), true)
            : (Path.Combine(FromEnvironment("XDG_CONFIG_HOME") ?? Path.Combine(Home, ".config"), "relocate", "config.yaml"), false);
    }

    /// <summary>The cluster of the configuration that is named.</summary>
    /// <exception cref="RelocateException">It is not declared.</exception>
    public ClusterEntry Cluster(ParseResult parse, string name)
    {
        var (path, named) = ConfigPath(parse);
        return ClusterEntry.One(ConfigFile.Load(path, named), StateDirectory(parse), path, name);
    }

    private static string Home => FromEnvironment("HOME") ?? "/";

    private static string? FromEnvironment(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
