using System.Diagnostics;
using System.Runtime.InteropServices;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Leases;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Snapshots.Tests.Fixtures;

/// <summary>The test program started again as a process of its own, to be measured or killed.</summary>
internal static class ChildProcess
{
    private const string Variable = "RELOCATE_TEST_CHILD";

    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            Environment = { [Variable] = string.Join('\n', arguments) },
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        return Process.Start(start)!;
    }

    /// <summary>Runs to the end; the last line of its output.</summary>
    public static Task<string> RunAsync(params string[] arguments) => RunAsync(Start(arguments));

    /// <summary>The same as another user, which root may.</summary>
    public static Task<string> RunAsAsync(int user, params string[] arguments)
    {
        var own = Environment.ProcessPath!;
        var start = new ProcessStartInfo("setpriv", [$"--reuid={user}", $"--regid={user}", "--clear-groups", own])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            RedirectStandardError = true,
            Environment = { [Variable] = string.Join('\n', arguments), ["HOME"] = "/nonexistent" },
        };
        if (Path.GetFileNameWithoutExtension(own) == "dotnet")
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        return RunAsync(Process.Start(start)!);
    }

    private static async Task<string> RunAsync(Process started)
    {
        using var process = started;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output + await errors);
        return output.TrimEnd().Split('\n')[^1];
    }

    /// <summary>Runs to the end as another user; what it said.</summary>
    public static (int Code, string Output) RunAs(int user, params string[] arguments)
    {
        var program = Environment.ProcessPath!;
        string[] command = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, typeof(ChildProcess).Assembly.Location] : [program];
        var start = new ProcessStartInfo("setpriv", ["--reuid", $"{user}", "--regid", $"{user}", "--clear-groups", .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Variable] = string.Join('\n', arguments), ["HOME"] = arguments[1], ["DOTNET_ROOT"] = Path.GetFullPath("../../..", RuntimeEnvironment.GetRuntimeDirectory()) },
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    /// <summary>Starts it, waits until it begins its work, kills it after some time; whether it was still running.</summary>
    public static async Task<bool> KillAsync(TimeSpan after, params string[] arguments)
    {
        using var process = Start(arguments);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        await Task.Delay(after);
        var running = !process.HasExited;
        if (running)
            _ = Kill(process.Id, 9);
        await process.WaitForExitAsync();
        return running;
    }

    /// <summary>Acts, when this process was started as a child.</summary>
    public static async Task<bool> ActIfChildAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } arguments)
            return false;
        await ActAsync(arguments.Split('\n'));
        return true;
    }

    private static async Task ActAsync(string[] arguments)
    {
        var workspace = arguments[1];
        if (arguments[0] == "hold")
        {
            // Makes what a round reads, says so, and keeps it until it is killed.
            Console.WriteLine("begun");
            await using var source = await Snapshots.Consistency.ConsistentSource.OpenAsync(new SnapshotRequest
            {
                App = "web",
                SnapshotId = "held",
                Volumes = [new VolumePath("data", arguments[2])],
                JournalDirectory = workspace,
                SourceSnapshot = Snapshots.Consistency.SourceSnapshotMode.Auto,
                Hooks = new() { Before = arguments.ElementAtOrDefault(3), After = arguments.ElementAtOrDefault(4) },
            }, workspace, TimeProvider.System, _ => { }, default);
            Console.WriteLine("ready");
            await Task.Delay(Timeout.Infinite);
        }

        var repository = await Repository.OpenAsync(DirectoryObjectStore.Open(Path.Combine(workspace, "repo")), RepositoryKey.FromKeyFile(Path.Combine(workspace, "key")), default);
        Console.WriteLine("ready");
        switch (arguments[0])
        {
            case "restore":
                await new Restorer(repository, TimeProvider.System).RestoreAsync(new RestoreRequest
                {
                    SnapshotId = arguments[2],
                    Volumes = [new VolumePath("data", Path.Combine(workspace, "target"))],
                    JournalDirectory = Path.Combine(workspace, "target-journal"),
                }, null, default);
                Console.WriteLine(Written());
                break;
            case "warnings":
                try
                {
                    var taken = await new Snapshotter(repository, TimeProvider.System).TakeAsync(new SnapshotRequest
                    {
                        App = "web",
                        SnapshotId = arguments[2],
                        Volumes = [new VolumePath("data", Path.Combine(workspace, "source"))],
                        JournalDirectory = Path.Combine(workspace, "source-journal"),
                        RelocationId = arguments.Length > 3 ? arguments[3] : null,
                    }, null, default);
                    Console.WriteLine(string.Join('|', taken.Warnings));
                }
                catch (Core.Errors.RelocateException error)
                {
                    Console.WriteLine($"refused: {error.Message}");
                }

                break;
            case "verify":
                var verified = await new Restorer(repository, TimeProvider.System).VerifyAsync(new VerifyRequest
                {
                    SnapshotId = arguments[2],
                    Volumes = [new VolumePath("data", Path.Combine(workspace, "target"))],
                    JournalDirectory = Path.Combine(workspace, "target-journal"),
                }, null, default);
                Console.WriteLine(verified.Matches ? "matches" : string.Join("; ", verified.Differences));
                break;
            case "snapshot":
                await new Snapshotter(repository, TimeProvider.System).TakeAsync(new SnapshotRequest
                {
                    App = "web",
                    SnapshotId = arguments[2],
                    Volumes = [new VolumePath("data", Path.Combine(workspace, "source"))],
                    JournalDirectory = Path.Combine(workspace, "source-journal"),
                    ChangedRanges = arguments.Length > 3 ? Enum.Parse<Snapshots.ChangedRanges.ChangedRangesMode>(arguments[3], ignoreCase: true) : default,
                }, null, default);
                break;
            case "swap":
                Console.WriteLine(await SwapAsync(repository, arguments[2], int.Parse(arguments[3], System.Globalization.CultureInfo.InvariantCulture)));
                break;
            default:
                throw new InvalidOperationException(arguments[0]);
        }
    }

    /// <summary>Raises the epoch until it has won so many times; how often it lost.</summary>
    private static async Task<int> SwapAsync(Repository repository, string name, int wins)
    {
        var (records, lost) = (new WriterRecordStore(repository), 0);
        while (wins > 0)
        {
            var current = await records.ReadAsync("web", default);
            var next = new WriterRecord { App = "web", Epoch = (current?.Record.Epoch ?? 0) + 1, Writer = name, ChangeId = Guid.NewGuid().ToString("n") };
            if ((await records.SwapAsync(current, next, default)).Won)
                wins--;
            else
                lost++;
        }

        return lost;
    }

    // What this process handed to write(2). Not write_bytes: that counts whole folios of the page cache as dirty, up to 32 times the pages written.
    private static long Written() => File.ReadLines("/proc/self/io").Where(l => l.StartsWith("wchar:", StringComparison.Ordinal))
        .Max(l => long.Parse(l.AsSpan(l.IndexOf(' ', StringComparison.Ordinal)), System.Globalization.CultureInfo.InvariantCulture));

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
