using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Activities;
using StatefulRelocate.Activities.Leases;
using StatefulRelocate.Clusters;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Cli.Clusters;

/// <summary>What people ask of a local cluster beside relocations, as calls of its agent.</summary>
internal sealed class AgentCalls(IAgentEnvironment environment, ICluster cluster, Action shutDown)
{
    public const string AdoptLease = "lease.adopt";
    public const string Describe = "cluster.describe";
    public const string ShutDown = "cluster.shutDown";
    public const string ApplyApp = "app.apply";
    public const string StartApp = "app.start";
    public const string StopApp = "app.stop";
    public const string DeleteApp = "app.delete";

    public IReadOnlyDictionary<string, Func<JsonElement, CancellationToken, Task<JsonElement>>> ByName() =>
        new Dictionary<string, Func<JsonElement, CancellationToken, Task<JsonElement>>>(StringComparer.Ordinal)
        {
            [Describe] = (_, cancellationToken) => DescribeAsync(cancellationToken),
            [ShutDown] = (_, _) =>
            {
                shutDown();
                return Task.FromResult(default(JsonElement));
            },
            [ApplyApp] = ApplyAsync,
            [StartApp] = StartAsync,
            [StopApp] = StopAsync,
            [DeleteApp] = DeleteAsync,
            [AdoptLease] = AdoptLeaseAsync,
        };

    private async Task<JsonElement> DescribeAsync(CancellationToken cancellationToken)
    {
        var apps = ImmutableArray.CreateBuilder<AppDescription>();
        foreach (var name in cluster.Apps)
            if (await cluster.FindAsync(name, cancellationToken) is { } app)
                apps.Add(Of(name, app));
        return JsonSerializer.SerializeToElement(
            new ClusterDescription(cluster.Name, cluster.Address, Environment.ProcessId, apps.ToImmutable()), AgentCallsJson.Default.ClusterDescription);
    }

    private AppDescription Of(string name, ClusterApp app)
    {
        var writer = cluster.ReadWriterState(name);
        return new AppDescription(
            name, app.State, app.ProcessIds, [.. app.Definition.Volumes.Select(volume => cluster.VolumePath(name, volume.Name))],
            writer.Record?.Writer, writer.Fenced, writer.Record?.RelocationId, writer.HighestEpoch);
    }

    private async Task<JsonElement> ApplyAsync(JsonElement body, CancellationToken cancellationToken)
    {
        var definition = body.Deserialize(CoreJson.Default.AppDefinition) ?? throw new ActivityException("bad-input", "no app definition was sent", retryable: false);
        if (await cluster.FindAsync(definition.Name, cancellationToken) is { State: not AppRunState.Stopped } running)
            throw new ActivityException("app-running", $"app '{definition.Name}' is {State(running.State)}; stop it before its definition is replaced: relocate app stop {definition.Name} --cluster {cluster.Name}", retryable: false);
        await cluster.InstallAsync(definition, cancellationToken);
        return default;
    }

    private async Task<JsonElement> StartAsync(JsonElement body, CancellationToken cancellationToken)
    {
        var (name, _) = await NamedAsync(body, cancellationToken);
        var writer = cluster.ReadWriterState(name);
        if (!writer.MayRun(cluster.Name))
            throw new ActivityException("not-writer", writer is { Fenced: true, Record.RelocationId: { } relocation }
                ? $"app '{name}' is fenced here by relocation {relocation}; see 'relocate list'"
                : $"app '{name}' may only run on cluster '{writer.Record?.Writer}'; move it here with a relocation", retryable: false);
        await cluster.StartAsync(name, cancellationToken);
        await cluster.WaitReadyAsync(name, cancellationToken);
        return default;
    }

    private async Task<JsonElement> StopAsync(JsonElement body, CancellationToken cancellationToken)
    {
        var (name, app) = await NamedAsync(body, cancellationToken);
        RefuseDuringRelocation(name);
        if (app.State != AppRunState.Stopped)
            await cluster.QuiesceAsync(name, QuiesceMode.Stop, cancellationToken);
        // What is left, and what a restart would bring back: the desired state becomes stopped.
        await cluster.KillAsync(name, cancellationToken);
        return default;
    }

    private async Task<JsonElement> DeleteAsync(JsonElement body, CancellationToken cancellationToken)
    {
        var (name, app) = await NamedAsync(body, cancellationToken);
        RefuseDuringRelocation(name);
        if (app.State != AppRunState.Stopped)
            throw new ActivityException("app-running", $"app '{name}' is {State(app.State)}; stop it first: relocate app stop {name} --cluster {cluster.Name}", retryable: false);
        await cluster.RemoveAsync(name, body.Deserialize(AgentCallsJson.Default.AppCall)!.Volumes, cancellationToken);
        return default;
    }

    private async Task<JsonElement> AdoptLeaseAsync(JsonElement body, CancellationToken cancellationToken)
    {
        var lease = body.Deserialize(AgentCallsJson.Default.LeaseCall) ?? throw new ActivityException("bad-input", "no lease was named", retryable: false);
        await LeaseDesk.AdoptAsync(environment, lease.App, lease.Repository, cancellationToken);
        return default;
    }

    private void RefuseDuringRelocation(string name)
    {
        // From "started" on the copy here may be the last word that a finished relocation left.
        if (cluster.ReadWriterState(name) is { Record: { RelocationId: { } relocation, Phase: RelocationPhase.Taken or RelocationPhase.Fenced } })
            throw new ActivityException("relocating", $"app '{name}' is in relocation {relocation}; wait for it, or 'relocate abort {relocation}'", retryable: false);
    }

    private async Task<(string Name, ClusterApp App)> NamedAsync(JsonElement body, CancellationToken cancellationToken)
    {
        var name = body.Deserialize(AgentCallsJson.Default.AppCall)?.App ?? "";
        return await cluster.FindAsync(name, cancellationToken) is { } app
            ? (name, app)
            : throw new ActivityException("unknown-app", $"app '{name}' is not known here; apply it first: relocate app apply -f app.yaml --cluster {cluster.Name}", retryable: false);
    }

    private static string State(AppRunState state) => state.ToString().ToLowerInvariant();
}

/// <summary>Names an app in a call.</summary>
/// <param name="App">The app.</param>
/// <param name="Volumes">Whether its volumes go too.</param>
internal sealed record AppCall(string App, bool Volumes = false);

/// <summary>Names the writer record of an app.</summary>
internal sealed record LeaseCall(string App, string Repository);

/// <summary>What a cluster says about itself.</summary>
internal sealed record ClusterDescription(string Name, string Address, int ProcessId, ImmutableArray<AppDescription> Apps);

/// <summary>What a cluster says about an app.</summary>
internal sealed record AppDescription(
    string Name, AppRunState State, ImmutableArray<int> ProcessIds, ImmutableArray<string> Volumes, string? Writer, bool Fenced, string? Relocation, long HighestEpoch = 0);

/// <summary>The JSON form of the calls.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(CamelCaseEnum<AppRunState>)])]
[JsonSerializable(typeof(AppCall))]
[JsonSerializable(typeof(ClusterDescription))]
[JsonSerializable(typeof(LeaseCall))]
internal sealed partial class AgentCallsJson : JsonSerializerContext;
