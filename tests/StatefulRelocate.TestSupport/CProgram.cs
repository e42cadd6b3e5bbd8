using System.ComponentModel;
using System.Diagnostics;

namespace StatefulRelocate.TestSupport;

/// <summary>Programs and libraries that do what no shell can.</summary>
public static class CProgram
{
    /// <summary>Why a test is skipped where there is no compiler.</summary>
    public const string Missing = "no C compiler (cc) is here";

    /// <summary>Compiles one, or gives null where there is no compiler.</summary>
    /// <param name="directory">Where it goes, with its source.</param>
    /// <param name="name">Its file name.</param>
    /// <param name="source">The source.</param>
    /// <param name="flags">The compiler's.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="InvalidOperationException">It does not compile.</exception>
    public static async Task<string?> TryCompileAsync(string directory, string name, string source, params IEnumerable<string> flags)
    {
        var program = Path.Combine(directory, name);
        await File.WriteAllTextAsync(program + ".c", source).ConfigureAwait(false);
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", [.. flags, "-o", program, program + ".c"]))!;
            await compiler.WaitForExitAsync().ConfigureAwait(false);
            return compiler.ExitCode == 0 ? program : throw new InvalidOperationException($"{program}.c does not compile");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
