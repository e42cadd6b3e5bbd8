using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Programs;

/// <summary>Turns an exception into one line on standard error and an exit code.</summary>
internal static class ErrorReporter
{
    public static int Report(string program, Exception error, bool verbose)
    {
        var code = error switch
        {
            RelocateException known => known.ExitCode,
            OperationCanceledException => ExitCode.Interrupted,
            _ => ExitCode.OurError,
        };
        Console.Error.WriteLine($"{program}: {error.Message.ReplaceLineEndings(" ")}");
        if (verbose)
            Console.Error.WriteLine(error);
        return code;
    }
}
