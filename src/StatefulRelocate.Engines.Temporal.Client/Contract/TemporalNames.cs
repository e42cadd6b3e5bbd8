namespace StatefulRelocate.Engines.Temporal.Client.Contract;

/// <summary>The names under which a relocation is known on a Temporal server: what foreign clients, the CLI and the workers all type.</summary>
public static class TemporalNames
{
    /// <summary>The workflow type. The workflow id is the relocation id.</summary>
    public const string Workflow = "Relocation";

    /// <summary>The task queue of <c>relocate-server</c>, where workflows run.</summary>
    public const string ServerTaskQueue = "relocate-server";

    /// <summary>Signals and updates; each takes an optional <see cref="SignalInput"/>.</summary>
    public const string Approve = "approve";

    /// <inheritdoc cref="Approve"/>
    public const string Pause = "pause";

    /// <inheritdoc cref="Approve"/>
    public const string Resume = "resume";

    /// <inheritdoc cref="Approve"/>
    public const string Abort = "abort";

    /// <inheritdoc cref="Approve"/>
    public const string MarkDone = "mark-done";

    /// <summary>Query: <see cref="RelocationStatus"/>.</summary>
    public const string StatusQuery = "status";

    /// <summary>Query: the plan.</summary>
    public const string PlanQuery = "plan";

    /// <summary>Query: <see cref="RelocationProgress"/>.</summary>
    public const string ProgressQuery = "progress";

    /// <summary>Query: one or two words, as EMCO's workflow manager asks for it.</summary>
    public const string CurrentStateQuery = "current-state";

    /// <summary>Query: the events after a place, an <see cref="EventPage"/>; folding them gives the state.</summary>
    public const string EventsQuery = "events";

    /// <summary>The failure type of a workflow whose relocation was undone because a step failed.</summary>
    public const string CompensatedFailure = "Compensated";

    /// <summary>The failure type of a workflow whose input makes no sense.</summary>
    public const string BadInputFailure = "BadInput";
}
