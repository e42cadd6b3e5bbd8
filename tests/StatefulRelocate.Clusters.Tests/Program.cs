using System.IO.MemoryMappedFiles;
using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Clusters.Local;

namespace StatefulRelocate.Clusters.Tests;

/// <summary>Runs the tests, or plays one of the processes that they need.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["keeper", "--app-directory", var directory]:
                return await Keeper.RunAsync(directory, CancellationToken.None);

            case ["cluster", var state, var freezer]:
                // A cluster process, to be killed: it comes up, says so, and waits.
                var cluster = new LocalCluster(TestCluster.Options(state, Enum.Parse<FreezerKind>(freezer)));
                await cluster.StartAsync(CancellationToken.None);
                await File.WriteAllTextAsync(Path.Combine(state, "up"), "up");
                await Task.Delay(Timeout.Infinite);
                return 0;

            case ["map", var file]:
                using (var map = MemoryMappedFile.CreateFromFile(file, FileMode.Open))
                using (var view = map.CreateViewAccessor())
                {
                    await File.WriteAllTextAsync(file + ".mapped", "mapped");
                    await Task.Delay(Timeout.Infinite);
                    view.Flush();
                }

                return 0;

            case ["serve", var address, var port, var delay]:
                // A server that is there at once and ready later.
                var listener = new TcpListener(IPAddress.Parse(address), int.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
                listener.Start();
                var ready = DateTime.UtcNow.AddMilliseconds(int.Parse(delay, System.Globalization.CultureInfo.InvariantCulture));
                while (true)
                {
                    using var client = await listener.AcceptTcpClientAsync();
                    var stream = client.GetStream();
                    _ = await stream.ReadAsync(new byte[4096]);
                    await stream.WriteAsync(DateTime.UtcNow < ready
                        ? "HTTP/1.1 503 Not yet\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray()
                        : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
                }

            default:
                return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
        }
    }
}
