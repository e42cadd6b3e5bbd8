using System.Collections.Immutable;
using System.Text.Json.Serialization;
using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Clusters.Local;

/// <summary>What an app should do, whoever restarts.</summary>
internal enum DesiredState
{
    Stopped,
    Running,
    Quiesced,
}

/// <summary>The durable intent: written before anything is done about it.</summary>
internal sealed record DesiredApp(DesiredState State, QuiesceMode? Mode = null);

/// <summary>What the cluster tells the keeper once.</summary>
internal sealed record KeeperSettings(string App, string Cluster, string Address, FreezerKind Freezer, long MaxLogBytes, TimeSpan RestartDelay);

/// <summary>By which a keeper is found again.</summary>
internal sealed record KeeperRecord(int Pid, ulong StartTime, string BootId, string? Cgroup, int CgroupVersion);

/// <summary>The processes a keeper started, main ones only; descendants are found from these.</summary>
internal sealed record StartedProcesses(string BootId, ImmutableArray<StartedProcess> Processes);

/// <summary>One of them.</summary>
internal sealed record StartedProcess(string Name, int Pid, ulong StartTime);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<QuiesceMode>), typeof(CamelCaseEnum<RelocationPhase>), typeof(CamelCaseEnum<HookErrorPolicy>), typeof(CamelCaseEnum<DesiredState>), typeof(CamelCaseEnum<FreezerKind>), typeof(CamelCaseEnum<AppRunState>)])]
[JsonSerializable(typeof(AppDefinition))]
[JsonSerializable(typeof(AppWriterState))]
[JsonSerializable(typeof(DesiredApp))]
[JsonSerializable(typeof(KeeperSettings))]
[JsonSerializable(typeof(KeeperRecord))]
[JsonSerializable(typeof(StartedProcesses))]
[JsonSerializable(typeof(KeeperRequest))]
[JsonSerializable(typeof(KeeperReply))]
internal sealed partial class ClustersJson : JsonSerializerContext;
