using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace StatefulRelocate.Campaigns.Tests.Programs;

/// <summary>A MinIO server of one test, with one bucket: the program of <c>MINIO</c>, of PATH, or of a folder <c>shared/bin</c> above the repository.</summary>
internal sealed class MinioServer : IDisposable
{
    public const string Bucket = "campaign";
    private readonly Process _process;

    private MinioServer(Process process, int port) => (_process, Endpoint) = (process, $"http://127.0.0.1:{port}");

    public string Endpoint { get; }

    public static async Task<MinioServer> StartAsync(string directory)
    {
        var program = Find();
        Assert.SkipWhen(program is null, "no minio in MINIO, on PATH or in a folder shared/bin above the repository");
        // A directory at the top of a drive is a bucket.
        Directory.CreateDirectory(Path.Combine(directory, "data", Bucket));
        var port = FreePort();
        var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >\"$LOG\" 2>&1", "minio", program!, "server", Path.Combine(directory, "data"), "--address", $"127.0.0.1:{port}", "--console-address", $"127.0.0.1:{FreePort()}"])
        {
            Environment = { ["LOG"] = Path.Combine(directory, "log"), ["HOME"] = directory, ["MINIO_ROOT_USER"] = "campaign", ["MINIO_ROOT_PASSWORD"] = "campaign-secret", ["MINIO_BROWSER"] = "off" },
        })!;
        var server = new MinioServer(process, port);
        try
        {
            await server.WaitUntilReadyAsync(Path.Combine(directory, "log"));
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Lets this process, and those it starts, find the credentials.</summary>
    public static void SetCredentials()
    {
        foreach (var (name, value) in new[] { ("AWS_ACCESS_KEY_ID", "campaign"), ("AWS_SECRET_ACCESS_KEY", "campaign-secret"), ("AWS_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true") })
            Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("MINIO") is { Length: > 0 } named)
            return named;
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            if (File.Exists(Path.Combine(directory, "minio")))
                return Path.Combine(directory, "minio");
        }

        for (var above = new DirectoryInfo(AppContext.BaseDirectory); above is not null; above = above.Parent)
        {
            if (Path.Combine(above.FullName, "shared", "bin", "minio") is var launcher && File.Exists(launcher))
                return launcher;
        }

        return null;
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task WaitUntilReadyAsync(string log)
    {
        using var http = new HttpClient();
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60) && !_process.HasExited)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"{Endpoint}/minio/health/ready"), TestContext.Current.CancellationToken);
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"MinIO did not become ready:\n{await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken)}");
    }
}
