using System.Diagnostics;
using System.Net;
using System.Reflection;

namespace StatefulRelocate.Dns.Tests;

/// <summary>The command line as a process of its own.</summary>
internal static class RelocateProgram
{
    public static Task WriteConfigAsync(string path, IPEndPoint endpoint) => File.WriteAllTextAsync(
        path,
        $"apiVersion: relocate/v1alpha1\nkind: Config\ndns:\n  local:\n    listen: \"{endpoint}\"\n    zones: [edge.test]\n",
        TestContext.Current.CancellationToken);

    /// <summary>Starts it; what it says is thrown away.</summary>
    public static Process Start(params string[] arguments)
    {
        var process = Process.Start(Command(arguments))!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Said)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(Command(arguments))!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, (await output + await errors).Trim());
    }

    private static ProcessStartInfo Command(string[] arguments)
    {
        var metadata = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().ToDictionary(each => each.Key, each => each.Value);
        var program = Path.Combine(metadata["ArtifactsPath"]!, "bin", "StatefulRelocate.Cli", metadata["ArtifactsPivot"]!, "relocate.dll");
        return new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
    }
}
