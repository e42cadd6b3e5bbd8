using StatefulRelocate.Clusters.Local;

namespace StatefulRelocate.Activities.Tests;

/// <summary>Runs the tests, or is the keeper of an app on a local cluster.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args) => args is ["keeper", "--app-directory", var directory]
        ? await Keeper.RunAsync(directory, CancellationToken.None)
        : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
}
