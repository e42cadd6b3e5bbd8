using System.Runtime.InteropServices;
using ImageClient;

const int BadInput = 2;
try
{
    var options = ClientOptions.Parse(args);
    using var log = new ClientLog(options.Log);
    using var stop = new CancellationTokenSource();
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var server = new ImageServerConnection(options);
    await new WriteSchedule(server, log, options).RunAsync(stop.Token);
    Console.WriteLine(log.Summary());
    return 0;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }
}
catch (Exception error) when (error is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"ImageClient: {error.Message.ReplaceLineEndings(" ")}");
    return BadInput;
}
