using StatefulRelocate.Core.Saga;
using StatefulRelocate.Engines.Temporal.Client.Contract;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>What is said to a relocation, as the name and the argument of a Temporal signal or update.</summary>
internal static class SignalMessages
{
    public static (string Name, SignalInput Input) Of(Signal signal, string id) => signal switch
    {
        Approve approve => (TemporalNames.Approve, new SignalInput { Id = id, By = approve.By }),
        Pause => (TemporalNames.Pause, new SignalInput { Id = id }),
        Resume => (TemporalNames.Resume, new SignalInput { Id = id }),
        Abort abort => (TemporalNames.Abort, new SignalInput { Id = id, Reason = abort.Reason }),
        MarkDone done => (TemporalNames.MarkDone, new SignalInput { Id = id, Step = done.Step, Reason = done.Reason }),
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal.GetType().Name, "no signal of a relocation"),
    };
}
