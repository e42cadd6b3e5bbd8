namespace StatefulRelocate.Core.Errors;

/// <summary>The exit codes of <c>relocate</c>, everywhere.</summary>
public static class ExitCode
{
    /// <summary>Completed.</summary>
    public const int Completed = 0;

    /// <summary>Our error.</summary>
    public const int OurError = 1;

    /// <summary>Bad input; nothing was touched.</summary>
    public const int BadInput = 2;

    /// <summary>Done, but not all of it.</summary>
    public const int Partial = 3;

    /// <summary>Compensated or aborted.</summary>
    public const int Compensated = 4;

    /// <summary>A person is needed.</summary>
    public const int NeedsAttention = 5;

    /// <summary>Damage was found.</summary>
    public const int Damage = 6;

    /// <summary>Left by Ctrl-C.</summary>
    public const int Interrupted = 130;
}

/// <summary>An error for the user: its message is one line that says what, where, why and what to do. The exit code goes with it.</summary>
public class RelocateException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="message">One line.</param>
    /// <param name="exitCode">One of <see cref="Errors.ExitCode"/>.</param>
    /// <param name="inner">What lies below; shown with <c>--verbose</c>.</param>
    public RelocateException(string message, int exitCode = Errors.ExitCode.BadInput, Exception? inner = null) : base(message, inner)
        => ExitCode = exitCode;

    /// <summary>The exit code.</summary>
    public int ExitCode { get; }
}
