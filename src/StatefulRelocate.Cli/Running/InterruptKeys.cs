using System.Runtime.InteropServices;

namespace StatefulRelocate.Cli.Running;

/// <summary>Ctrl-C (and SIGTERM), counted: the first asks for an orderly end, the second leaves.</summary>
internal sealed class InterruptKeys : IDisposable
{
    private readonly CancellationTokenSource _first = new();
    private readonly CancellationTokenSource _second = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public InterruptKeys()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle);
    }

    public CancellationToken First => _first.Token;

    public CancellationToken Second => _second.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    private void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (_first.IsCancellationRequested)
            _second.Cancel();
        else
            _first.Cancel();
    }
}
