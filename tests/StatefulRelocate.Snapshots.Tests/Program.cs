using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests;

/// <summary>Runs the tests, or acts as a child of one.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        if (await ChildProcess.ActIfChildAsync())
            return 0;
        return arguments.Any(a => a is "--server" or "--internal-msbuild-node")
            ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(arguments);
    }
}
