using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Places;

/// <summary>Repositories in a bucket of a MinIO server of this run's own.</summary>
internal sealed class MinioPlace : Place
{
    public const string Bucket = "bench";
    public const string User = "benchmark";
    public const string Password = "benchmark-secret";
    private readonly Process _server;
    private readonly HttpClient _http = new();
    private readonly RequestCounter _counter;
    private readonly string _data;

    private MinioPlace(Process server, RequestCounter counter, string data, Uri endpoint) => (_server, _counter, _data, Endpoint) = (server, counter, data, endpoint);

    public Uri Endpoint { get; }

    public override string Name => "minio";

    public IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = User,
        ["AWS_SECRET_ACCESS_KEY"] = Password,
        ["AWS_REGION"] = "us-east-1",
        ["AWS_DEFAULT_REGION"] = "us-east-1",
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    /// <summary>Starts a server; null when there is no MinIO here.</summary>
    public static MinioPlace? Start(string directory)
    {
        if (Programs.Find("minio", "MINIO") is not { } program)
            return null;
        var data = Path.Combine(directory, "data");
        // A directory at the top of a drive is a bucket.
        Directory.CreateDirectory(Path.Combine(data, Bucket));
        var port = FreePort();
        var counter = new RequestCounter();
        var server = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >\"$LOG\" 2>&1", "minio", program, "server", data, "--address", $"127.0.0.1:{port}", "--console-address", $"127.0.0.1:{FreePort()}"])
        {
            Environment =
            {
                ["LOG"] = Path.Combine(directory, "log"),
                ["HOME"] = directory,
                ["MINIO_ROOT_USER"] = User,
                ["MINIO_ROOT_PASSWORD"] = Password,
                ["MINIO_AUDIT_WEBHOOK_ENABLE_bench"] = "on",
                ["MINIO_AUDIT_WEBHOOK_ENDPOINT_bench"] = counter.Address,
                ["MINIO_BROWSER"] = "off",
            },
        })!;
        var place = new MinioPlace(server, counter, data, new Uri($"http://127.0.0.1:{port}"));
        try
        {
            place.WaitUntilReady(Path.Combine(directory, "log"));
            return place;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    public override string Contents(string repository) => Path.Combine(_data, Bucket, repository);

    public override long? Requests() => _counter.Settled();

    public override void Dispose()
    {
        if (!_server.HasExited)
        {
            _server.Kill();
            _server.WaitForExit();
        }

        _server.Dispose();
        _http.Dispose();
        _counter.Dispose();
        base.Dispose();
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private void WaitUntilReady(string log)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60) && !_server.HasExited)
        {
            try
            {
                using var answer = _http.GetAsync(new Uri(Endpoint, "/minio/health/ready")).GetAwaiter().GetResult();
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            Thread.Sleep(50);
        }

        throw new BenchmarkException($"MinIO did not become ready:\n{File.ReadAllText(log)}");
    }
}
