using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Streams;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Cli.Clusters;

/// <summary>A cluster of the configuration, and where its state and its agent are.</summary>
internal sealed record ClusterEntry(string Name, ClusterConfig Config, string StateDirectory)
{
    /// <summary>The agent's socket.</summary>
    public string Socket => Path.Combine(StateDirectory, "agent.sock");

    /// <summary>What the cluster process says.</summary>
    public string LogFile => Path.Combine(StateDirectory, "cluster.log");

    /// <summary>The file that one cluster process holds locked.</summary>
    public string LockFile => Path.Combine(StateDirectory, "agent.lock");

    /// <summary>All of them, in the order of their names.</summary>
    public static IReadOnlyList<ClusterEntry> All(RelocateConfig config, string stateDirectory) =>
        [.. config.Clusters.Select(each => new ClusterEntry(each.Key, each.Value, each.Value.State ?? Path.Combine(stateDirectory, "clusters", each.Key)))];

    /// <summary>The one that is named.</summary>
    /// <exception cref="RelocateException">It is not declared.</exception>
    public static ClusterEntry One(GlobalOptions globals, ParseResult parse, string name)
    {
        var (path, named) = globals.ConfigPath(parse);
        return One(ConfigFile.Load(path, named), globals.StateDirectory(parse), path, name);
    }

    /// <inheritdoc cref="One(GlobalOptions, ParseResult, string)"/>
    public static ClusterEntry One(RelocateConfig config, string stateDirectory, string path, string name)
    {
        var all = All(config, stateDirectory);
        foreach (var entry in all)
            if (entry.Name == name)
                return entry;
        throw new RelocateException(all.Count == 0
            ? $"{path}: no cluster is declared; add 'clusters: {{{name}: {{type: local, address: 127.0.0.11}}}}'"
            : $"{path}: cluster '{name}' is not declared; there are: {string.Join(", ", all.Select(entry => entry.Name))}");
    }

    /// <summary>Asks the agent, or says in one line that the cluster is not up.</summary>
    /// <exception cref="RelocateException">It is not up, or it answered with a failure.</exception>
    public async Task<JsonElement> CallAsync(string method, JsonElement body, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await AgentClient.ConnectAsync(Socket, cancellationToken);
            return await client.CallAsync(method, body, cancellationToken);
        }
        catch (AgentUnreachableException error)
        {
            throw new RelocateException($"cluster '{Name}' is not up; start it with 'relocate cluster up {Name}'", inner: error);
        }
        catch (ActivityException error)
        {
            var code = error.Failure.Code == "internal" ? ExitCode.OurError : ExitCode.BadInput;
            throw new RelocateException($"cluster '{Name}': {error.Failure.Message}", code, error);
        }
    }

    /// <summary>Where the volumes of an app lie on it.</summary>
    /// <exception cref="RelocateException">It is not up, or does not know the app.</exception>
    public async Task<ImmutableArray<string>> VolumesAsync(string app, CancellationToken cancellationToken)
    {
        var description = (await CallAsync(AgentCalls.Describe, default, cancellationToken)).Deserialize(AgentCallsJson.Default.ClusterDescription);
        return description?.Apps.FirstOrDefault(each => each.Name == app)?.Volumes ?? throw new RelocateException($"cluster '{Name}' does not know the app '{app}'");
    }

    /// <summary>Whether its agent answers.</summary>
    public async Task<bool> IsUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await AgentClient.ConnectAsync(Socket, cancellationToken);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            await client.CallAsync(AgentCalls.Describe, default, limit.Token);
            return true;
        }
        catch (Exception error) when (error is AgentUnreachableException or ActivityException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
