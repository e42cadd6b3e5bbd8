using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Core.Saga;

/// <summary>
/// The plan or the journal was written by a newer program. It is left alone: an upgrade never changes a running relocation, and an older
/// program never guesses.
/// </summary>
public sealed class UnknownMachineVersionException : RelocateException
{
    /// <summary>Makes one.</summary>
    public UnknownMachineVersionException(string relocationId, int version) : base(
        $"relocation {relocationId} waits for a newer program: its plan is for saga machine {version}, this program knows up to {SagaMachine.CurrentVersion}; run it with the program that planned it, or a later one")
    {
    }
}
