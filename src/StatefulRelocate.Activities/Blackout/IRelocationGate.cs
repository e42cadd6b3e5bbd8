namespace StatefulRelocate.Activities.Blackout;

/// <summary>The part of the effect journal that the blackout guard needs: ending the dos of a relocation on this agent.</summary>
public interface IRelocationGate
{
    /// <summary>
    /// Refuses from now on, durably, every do of the relocation on the app; cancels those in flight and returns when they have ended.
    /// Undos stay allowed. Closing what is closed does nothing.
    /// </summary>
    Task CloseAsync(string app, string relocationId, CancellationToken cancellationToken);
}
