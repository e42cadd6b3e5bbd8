using System.Net;
using System.Runtime.InteropServices;
using ImageServer;

const int BadInput = 2;
try
{
    var options = ServerOptions.Parse(args);
    if (options.Seed is { } bytes && !Seeding.IsFilled(options.Data))
        Seeding.Fill(options.Data, bytes);
    if (options.Listen is null)
        return 0;
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    await using var app = Web.Create(new ImageStore(options.Data), IPEndPoint.Parse(options.Listen));
    await app.StartAsync();
    await stop.Task;
    // Requests in flight end in milliseconds; idle connections are closed at once. The database is left as it is: folding its log
    // back in here would cost time that a move spends in its blackout.
    using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
    await app.StopAsync(grace.Token);
    Environment.Exit(0);
    return 0;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }
}
catch (Exception error) when (error is ArgumentException or FormatException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"ImageServer: {error.Message.ReplaceLineEndings(" ")}");
    return BadInput;
}
