using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Core.Tests;

public sealed class JournalJsonTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 23, 0, 15, 0, 123, TimeSpan.Zero);

    private static readonly StepFailure Failure = new() { Code = "broken", Message = "the disk is full", Retryable = false, CertainlyNoEffect = true, Injected = true };

    private static readonly StepOutput Output = new()
    {
        HighestEpoch = 3,
        Address = "127.0.0.12",
        DnsBefore = new DnsRecordSet { Name = "images.edge.test", Type = "A", Ttl = TimeSpan.FromSeconds(1), Records = ["127.0.0.11"] },
        Epoch = 4,
        ExistedBefore = ["data"],
        Figures = new RoundFigures { BytesScanned = 1, BytesChanged = 2, BytesShipped = 3, Entries = 4, Duration = TimeSpan.FromMilliseconds(5), SincePrevious = TimeSpan.FromSeconds(6) },
        SnapshotId = "r1-2",
        VolumeHash = "00ff",
        Parts = [new StepPart("settle", TimeSpan.FromMilliseconds(7))],
        Warnings = ["a socket was left out"],
    };

    private static IEnumerable<SagaEvent> Events =>
    [
        new StepStarted("snapshot-2", StepDirection.Do, 9) { At = At },
        new StepCompleted("snapshot-2", StepDirection.Do, 9, Output) { At = At },
        new StepFailed("fence", StepDirection.Undo, 10, Failure) { At = At },
        new StepLapsed("fence", StepDirection.Undo, 11, Failure) { At = At },
        new CancelRequested("ready", StepDirection.Do, 12) { At = At },
        new TimerStarted("max-blackout", At.AddSeconds(10)) { At = At },
        new TimerFired("max-blackout") { At = At },
        .. Signals.Select((signal, i) => new SignalReceived($"s{i}", signal) { At = At }),
        new PointOfNoReturnPassed { At = At },
        new AttentionRequested("somebody has to look") { At = At },
        new RelocationEnded(RelocationOutcome.Aborted, "no longer needed") { At = At },
        new TakeOverBegan("the run before was terminated") { At = At },
    ];

    private static IEnumerable<Signal> Signals => [new Approve("ann"), new Pause(), new Resume(), new Abort("why"), new MarkDone("fence", "pulled the plug")];

    [Fact]
    public void Every_event_comes_back_from_json_as_it_was() => Assert.All(Events, happened =>
    {
        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(happened, CoreJson.Default.SagaEvent), CoreJson.Default.SagaEvent);
        Assert.Equal(JsonSerializer.Serialize<object?>(happened), JsonSerializer.Serialize<object?>(read));
        Assert.Equal(happened.GetType(), read!.GetType());
    });

    [Fact]
    public void Every_event_and_signal_has_a_json_form_that_is_tested()
    {
        Assert.Equal(Registered<SagaEvent>(), Events.Select(happened => happened.GetType().Name).Distinct().Order());
        Assert.Equal(Registered<Signal>(), Signals.Select(signal => signal.GetType().Name).Order());
        Assert.Equal(Registered<SagaEvent>(), typeof(SagaEvent).Assembly.GetTypes().Where(type => type.BaseType == typeof(SagaEvent)).Select(type => type.Name).Order());
        Assert.Equal(Registered<Signal>(), typeof(Signal).Assembly.GetTypes().Where(type => type.BaseType == typeof(Signal)).Select(type => type.Name).Order());
    }

    private static IEnumerable<string> Registered<T>() =>
        typeof(T).GetCustomAttributes(typeof(JsonDerivedTypeAttribute), false).Cast<JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType.Name).Order();
}
