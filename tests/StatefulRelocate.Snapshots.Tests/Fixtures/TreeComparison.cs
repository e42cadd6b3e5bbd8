using System.Diagnostics;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>Compares two trees with tools that know nothing of this program: find, stat, getfattr where there is one, and cmp through diff.</summary>
internal static class TreeComparison
{
    public static void RequireEqual(string left, string right)
    {
        Assert.Equal(Listing(left), Listing(right));
        var (code, output) = Run("diff", "-r", "--no-dereference", left, right);

        // diff reports special files as different kinds of nothing to compare; the listing has checked those.
        Assert.True(code == 0 || output.Split('\n', StringSplitOptions.RemoveEmptyEntries).All(l => l.Contains("fifo", StringComparison.Ordinal)), output);
    }

    public static (int Code, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C" },
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    // Path, type, mode, owner, size (not of directories), full-precision mtime, links of files, link text.
    private static string Listing(string root) => string.Join('\n',
        Run("sh", "-c", $"cd '{root}' && find . \\( -type d -printf '%p d %m %U:%G %T@\\n' -o -printf '%p %y %m %U:%G %s %T@ %n %l\\n' \\)").Output.Split('\n').Order(StringComparer.Ordinal));
}
