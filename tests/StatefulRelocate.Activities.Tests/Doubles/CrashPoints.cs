namespace StatefulRelocate.Activities.Tests.Doubles;

/// <summary>The agent dies at one of the boundaries it passes: before or after a call to the store or the cluster.</summary>
internal sealed class CrashPoints
{
    private int _left = -1;

    /// <summary>Whether the armed crash has happened.</summary>
    public bool Happened { get; private set; }

    public string? Where { get; private set; }

    public void ArmAt(int boundary) => (_left, Happened, Where) = (boundary, false, null);

    public void Disarm() => _left = -1;

    public void Reach(string where)
    {
        if (_left < 0)
            return;
        if (_left > 0)
        {
            _left--;
            return;
        }

        // Dead is dead: nothing it tries on its way out gets through either, until the test disarms.
        (Happened, Where) = (true, Where ?? where);
        throw new SimulatedCrash(where);
    }
}

internal sealed class SimulatedCrash(string where) : Exception("the agent died at " + where);
