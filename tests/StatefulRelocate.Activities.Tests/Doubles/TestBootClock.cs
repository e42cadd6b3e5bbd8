using StatefulRelocate.Activities.Blackout;

namespace StatefulRelocate.Activities.Tests.Doubles;

internal sealed class TestBootClock : IBootClock
{
    public string BootId { get; set; } = "boot-1";

    public long NowMs { get; set; } = 1_000_000;
}
