using System.Collections;
using System.Text;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Local.Keeping;

/// <summary>What an app's commands may refer to, and the environment its processes get.</summary>
internal sealed class AppVariables
{
    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly AppDefinition _definition;
    private readonly AppLayout _layout;
    private readonly string _cluster;
    private readonly string _address;

    public AppVariables(AppDefinition definition, AppLayout layout, string cluster, string address)
    {
        (_definition, _layout, _cluster, _address) = (definition, layout, cluster, address);
        _values["address"] = address;
        _values["cluster"] = cluster;
        foreach (var volume in definition.Volumes)
            _values[$"volumes.{volume.Name}"] = layout.Volume(volume.Name);
    }

    /// <summary>Replaces <c>${NAME}</c>; <c>$${</c> stands for a plain <c>${</c>.</summary>
    public string Expand(string text, string where)
    {
        var result = new StringBuilder(text.Length);
        var at = 0;
        while (at < text.Length)
        {
            var open = text.IndexOf("${", at, StringComparison.Ordinal);
            if (open < 0)
                break;
            if (open > at && text[open - 1] == '$')
            {
                result.Append(text, at, open - 1 - at).Append("${");
                at = open + 2;
                continue;
            }

            var close = text.IndexOf('}', open);
            var name = close < 0 ? text[(open + 2)..] : text[(open + 2)..close];
            if (close < 0 || !_values.TryGetValue(name, out var value))
            {
                throw new ClusterException(
                    "unknown-variable",
                    $"app {_definition.Name}: {where}: ${{{name}}} is not known; known are {string.Join(", ", _values.Keys.Select(key => $"${{{key}}}"))}",
                    retryable: false);
            }

            result.Append(text, at, open - at).Append(value);
            at = close + 1;
        }

        return result.Append(text, at, text.Length - at).ToString();
    }

    public IReadOnlyList<string> Command(IEnumerable<string> command, string where) => [.. command.Select(part => Expand(part, where))];

    public string AppDirectory => _layout.Directory;

    public string WorkingDirectory(AppProcess process)
        => process.WorkingDirectory is { } directory ? Path.GetFullPath(Expand(directory, $"process {process.Name}: workingDirectory"), _layout.Directory) : _layout.Directory;

    /// <summary>The inherited environment without our own variables (a passphrase may be among them), then what the app gets.</summary>
    public SortedDictionary<string, string> Environment(string role, Native.Account? account)
    {
        var environment = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            var name = (string)variable.Key;
            if (!name.StartsWith("RELOCATE_", StringComparison.Ordinal))
                environment[name] = (string?)variable.Value ?? string.Empty;
        }

        if (account is not null)
        {
            environment["HOME"] = account.Home;
            environment["USER"] = account.Name;
            environment["LOGNAME"] = account.Name;
        }

        environment["RELOCATE_APP"] = _definition.Name;
        environment["RELOCATE_CLUSTER"] = _cluster;
        environment["RELOCATE_ADDRESS"] = _address;
        environment["RELOCATE_PROCESS"] = role;
        environment[AppLayout.MarkerName] = _layout.Mark;
        foreach (var volume in _definition.Volumes)
            environment["RELOCATE_VOLUME_" + volume.Name.ToUpperInvariant().Replace('-', '_').Replace('.', '_')] = _layout.Volume(volume.Name);
        return environment;
    }

    public void AddDeclared(SortedDictionary<string, string> environment, AppProcess process)
    {
        foreach (var (name, value) in process.Environment)
            environment[name] = Expand(value, $"process {process.Name}: env {name}");
    }
}
