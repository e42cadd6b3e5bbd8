using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Engines.Tests.Scenarios;

/// <summary>An engine with scripted agents, as the scenarios see it.</summary>
public interface IScenarioRig : IAsyncDisposable
{
    /// <summary>Every effect that began, in order.</summary>
    ImmutableArray<ActivityRequest> Effects { get; }

    /// <summary>Begins the relocation.</summary>
    Task StartAsync(RelocationPlan plan);

    /// <summary>How a step goes from now on, by <c>start</c> or <c>undo start</c>; null gives what it gives without a word.</summary>
    void On(string step, Func<ActivityRequest, CancellationToken, Task<StepOutput?>> deed);

    /// <summary>Says something; the machine's answer, once it is folded.</summary>
    Task<(bool Accepted, string Answer)> SayAsync(Signal signal);

    /// <summary>All that is known so far.</summary>
    Task<SagaState> StateAsync();

    /// <summary>The engine dies and another one comes; what is under way at agents goes on.</summary>
    Task RestartEngineAsync();
}
