using System.Diagnostics;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>
/// Tests only: <c>RELOCATE_AGENT_CRASH_AT=STEP[:undo]</c> kills this process after the step's effect and before its record, once; a
/// marker file makes it once.
/// </summary>
internal sealed class AgentCrash
{
    private readonly string _step;
    private readonly StepDirection _direction;
    private readonly string _marker;

    private AgentCrash(string step, StepDirection direction, string marker) => (_step, _direction, _marker) = (step, direction, marker);

    public static AgentCrash? FromEnvironment(string stateDirectory)
    {
        if (Environment.GetEnvironmentVariable("RELOCATE_AGENT_CRASH_AT") is not { Length: > 0 } text)
            return null;
        var undo = text.EndsWith(":undo", StringComparison.Ordinal);
        var step = undo ? text[..^":undo".Length] : text;
        return new AgentCrash(step, undo ? StepDirection.Undo : StepDirection.Do, Path.Combine(stateDirectory, $"crashed-at-{step}{(undo ? "-undo" : "")}"));
    }

    public void AfterEffect(ActivityRequest request)
    {
        if (request.Direction != _direction || (request.Step != _step && request.Kind != _step) || File.Exists(_marker))
            return;
        using (var marker = File.Create(_marker))
            marker.Flush(flushToDisk: true);
        using var self = Process.GetCurrentProcess();
        self.Kill();
        // SIGKILL is delivered when the kernel gets to it; nothing may be recorded until then.
        Thread.Sleep(Timeout.Infinite);
    }
}
