using System.Diagnostics;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Faults;

/// <summary>
/// Lets the faults of one relocation strike. That one fires is durable before it does, so a process that goes on after a crash does
/// not crash again.
/// </summary>
internal sealed class FaultInjector
{
    // Past the point of no return a step must succeed in the end, so the failure goes away.
    private const int FailuresPastTheLine = 2;

    private readonly Lock _gate = new();
    private readonly RelocationJournal _journal;
    private readonly string _relocationId;
    private readonly List<JournaledFault> _faults;

    public FaultInjector(RelocationJournal journal, string relocationId)
    {
        (_journal, _relocationId) = (journal, relocationId);
        _faults = [.. journal.ReadFaults(relocationId)];
    }

    public StepFailure? Before(ActivityRequest request, bool pastTheLine) =>
        request.Direction == StepDirection.Do ? Strike(request.Kind, request.Step, FaultTime.Before, pastTheLine) : null;

    public StepFailure? After(ActivityRequest request, bool pastTheLine) =>
        request.Direction == StepDirection.Do ? Strike(request.Kind, request.Step, FaultTime.After, pastTheLine) : null;

    /// <summary>Crashes this process, or returns the failure to report, or null.</summary>
    public StepFailure? Strike(string kind, string step, FaultTime time, bool pastTheLine, FaultAction? only = null)
    {
        lock (_gate)
        {
            for (var i = 0; i < _faults.Count; i++)
            {
                var fault = _faults[i];
                var limit = fault.Fault.Action == FaultAction.Fail && pastTheLine ? FailuresPastTheLine : 1;
                if (fault.Fault.Time != time || (only is not null && fault.Fault.Action != only) || fault.Times >= limit || (fault.Step is null ? !fault.Fault.Matches(kind, step) : fault.Step != step))
                    continue;
                _faults[i] = fault with { Step = step, Times = fault.Times + 1 };
                if (fault.Fault.Action == FaultAction.Crash)
                    Crash(fault.Fault, step);
                _journal.FireFault(_relocationId, fault.Fault, step, killedPid: null);
                return new StepFailure
                {
                    Code = "injected",
                    Message = $"a failure was injected into {step} ({(time == FaultTime.Before ? "before" : "after")} its effect)",
                    Retryable = pastTheLine,
                    Injected = true,
                };
            }
        }

        return null;
    }

    private void Crash(Fault fault, string step)
    {
        _journal.FireFault(_relocationId, fault, step, Environment.ProcessId);
        using var self = Process.GetCurrentProcess();
        self.Kill();
        // SIGKILL comes when the kernel gets to it; nothing may be committed until then.
        Thread.Sleep(Timeout.Infinite);
    }
}
