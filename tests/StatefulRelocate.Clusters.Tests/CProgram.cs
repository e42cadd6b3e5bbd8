using System.Diagnostics;

namespace StatefulRelocate.Clusters.Tests;

/// <summary>Programs that do with processes what no shell can.</summary>
internal static class CProgram
{
    /// <summary>Compiles a program; without a compiler the test is skipped.</summary>
    /// <returns>Its path.</returns>
    public static async Task<string> CompileAsync(string directory, string name, string source)
    {
        var program = Path.Combine(directory, name);
        await File.WriteAllTextAsync(program + ".c", source);
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", ["-pthread", "-o", program, program + ".c"]))!;
            await compiler.WaitForExitAsync();
            Assert.Equal(0, compiler.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("no C compiler (cc) is here");
        }

        return program;
    }
}
