using StatefulRelocate.Activities;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Engines.Tests.Rig;

namespace StatefulRelocate.Engines.Temporal.Tests.Rig;

/// <summary>
/// What scripted agents act on: a writer record that changes by the product's own transitions, an app on each side, and DNS. Everything that must never be is noted
/// in <see cref="Violations"/> at the moment it happens.
/// </summary>
internal sealed class ModelWorld
{
    private readonly Lock _gate = new();
    private WriterRecord? _record;
    private bool _sourceRuns = true;
    private bool _targetRuns;
    private bool _targetStarted;
    private string _dns = "a";
    private int _changes;

    public ModelWorld(TemporalRig rig)
    {
        foreach (var agent in (ScriptedAgent[])[rig.A, rig.B])
            foreach (var name in new[] { "lease", "prepare-target", "restore-1", "final-restore", "quiesce", "start", "dns-switch", "dns-verify", "release-lease", "take-over-source", "take-over-target" })
            {
                agent.Deeds[name] = Deed;
                agent.Deeds[$"undo {name}"] = Deed;
            }
    }

    public List<string> Violations { get; } = [];

    /// <summary>Held here, a step's effect waits before it acts.</summary>
    public Func<ActivityRequest, CancellationToken, Task> Before { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Whether exactly one side serves, DNS names it, and no relocation holds the record.</summary>
    public string Describe()
    {
        lock (_gate)
            return $"source {(_sourceRuns ? "runs" : "stopped")}, target {(_targetRuns ? "runs" : "stopped")}, dns {_dns}, writer {_record?.Writer ?? "-"}, held by {_record?.RelocationId ?? "-"}";
    }

    public bool IsLegalEnd
    {
        get
        {
            lock (_gate)
                return _record?.RelocationId is null && Violations.Count == 0 && (_sourceRuns, _targetRuns, _dns, _record?.Writer ?? "a") is (true, false, "a", "a") or (false, true, "b", "b");
        }
    }

    private async Task<StepOutput> Deed(ActivityContext context, CancellationToken cancellationToken)
    {
        await Before(context.Request, cancellationToken);
        lock (_gate)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var output = Act(context.Request);
            if (_sourceRuns && _targetRuns)
                Violations.Add($"both sides run after {context.Request.Name()}");
            return output;
        }
    }

    private StepOutput Act(ActivityRequest request)
    {
        var held = new WriterTransitions(request.RelocationId, request.Epoch);
        var change = $"change-{++_changes}";
        switch (request.Name())
        {
            case "lease":
                Apply(WriterClaims.Take(_record, "shop", request.RelocationId, "a", 0, change));
                return new StepOutput { Epoch = _record!.Epoch };
            case "take-over-source" or "take-over-target":
                if (WriterClaims.TakeOver(_record, request.RelocationId, 0, change) is WriterDecision.Write write)
                    _record = write.Next;
                var isHeld = _record?.RelocationId == request.RelocationId;
                return new StepOutput { Epoch = isHeld ? _record!.Epoch : null, TakenOver = new TakenOver { Held = isHeld, Writer = _record?.Writer, Phase = _record?.Phase ?? RelocationPhase.None } };
            case "restore-1" or "final-restore" when _targetStarted:
                Violations.Add($"{request.Step} wrote over a started volume");
                break;
            case "quiesce":
                _sourceRuns = false;
                Apply(held.Fence(_record, "a", change));
                break;
            case "start":
                Apply(held.Start(_record, "b", change));
                (_targetRuns, _targetStarted) = (true, true);
                break;
            case "dns-switch":
                Apply(held.Commit(_record, "b", change));
                _dns = "b";
                break;
            case "dns-verify" when _dns != "b":
                throw new ActivityException("dns", "the name server still gives the old records");
            case "release-lease":
                Apply(held.Release(_record, "b", change));
                break;
            case "undo start":
                Apply(held.MarkUndone(_record, change));
                _targetRuns = _targetStarted = false;
                Apply(held.Stop(_record, "b", change + "b"));
                break;
            case "undo quiesce":
                Apply(held.WinBack(_record, "a", change));
                _sourceRuns = true;
                break;
            case "undo lease" when _record?.RelocationId == request.RelocationId:
                Apply(new WriterTransitions(request.RelocationId, _record.Epoch).Release(_record, "a", change));
                break;
            default:
                break;
        }

        return request.Kind == StepKind.Restore ? Plans.OutputOf(request) : new StepOutput();
    }

    private void Apply(WriterDecision transition)
    {
        switch (transition)
        {
            case WriterDecision.Write(var next):
                _record = next;
                break;
            case WriterDecision.Refused refused:
                throw new ActivityException(FailureCode.Superseded, refused.Message, retryable: false);
        }
    }
}
