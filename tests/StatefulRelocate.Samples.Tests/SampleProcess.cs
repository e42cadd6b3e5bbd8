using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace StatefulRelocate.Samples.Tests;

/// <summary>A sample program as a real process.</summary>
internal sealed partial class SampleProcess : IAsyncDisposable
{
    private const int SignalTerminate = 15;
    private readonly Process process;
    private readonly StringBuilder output = new();

    private SampleProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += Collect;
        process.ErrorDataReceived += Collect;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public bool HasEnded => process.HasExited;

    public static SampleProcess Start(string program, string? cluster, params string[] arguments)
    {
        var metadata = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().ToDictionary(each => each.Key, each => each.Value);
        var path = Path.Combine(metadata["ArtifactsPath"]!, "bin", program, metadata["ArtifactsPivot"]!, program + ".dll");
        var start = new ProcessStartInfo("dotnet", [path, .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        if (cluster is not null)
            start.Environment["RELOCATE_CLUSTER"] = cluster;
        return new SampleProcess(Process.Start(start)!);
    }

    /// <summary>An image server that answers.</summary>
    public static async Task<SampleProcess> ServerAsync(string data, IPEndPoint listen, string cluster)
    {
        var server = Start("ImageServer", cluster, "--data", data, "--listen", listen.ToString());
        using var http = new HttpClient();
        await UntilAsync(async () =>
        {
            Assert.False(server.HasEnded, server.Output());
            try
            {
                return (await http.GetAsync(new Uri($"http://{listen}/ready"), TestContext.Current.CancellationToken)).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        return server;
    }

    public static IPEndPoint FreeEndpoint(string address)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60), "the condition did not come true");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public string Output()
    {
        lock (output)
            return output.ToString();
    }

    public async Task<int> TerminateAsync()
    {
        Assert.Equal(0, Kill(process.Id, SignalTerminate));
        return await EndAsync();
    }

    public async Task<int> EndAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode;
    }

    public async Task KillAsync()
    {
        process.Kill();
        await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }

        process.Dispose();
    }

    private void Collect(object sender, DataReceivedEventArgs line)
    {
        lock (output)
            output.AppendLine(line.Data);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
