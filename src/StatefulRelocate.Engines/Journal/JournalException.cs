using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Engines;

/// <summary>The journal itself cannot be read or written: no relocation in it may go on.</summary>
public sealed class JournalException : RelocateException
{
    /// <summary>Makes one.</summary>
    /// <param name="message">One line.</param>
    /// <param name="inner">What lies below.</param>
    public JournalException(string message, Exception inner) : base(message, Core.Errors.ExitCode.OurError, inner)
    {
    }
}
