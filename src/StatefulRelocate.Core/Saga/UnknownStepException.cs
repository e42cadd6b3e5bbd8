using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Core.Saga;

/// <summary>An event names a step that the plan does not have: the journal is not this plan's, or is damaged. Nothing is guessed from it.</summary>
public sealed class UnknownStepException : RelocateException
{
    /// <summary>Makes one.</summary>
    public UnknownStepException(string relocationId, string step) : base(
        $"the journal of relocation {relocationId} has an event of step '{step}', which its plan does not have: the journal is damaged or belongs to another plan; restore it from a copy",
        Errors.ExitCode.OurError)
    {
    }
}
