using System.Diagnostics;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>This test program once more, as another process.</summary>
internal sealed class Child : IDisposable
{
    /// <summary>The exit code of a process that SIGKILL ended.</summary>
    public const int Killed = 137;

    private readonly Process _process;
    private readonly Task<string> _error;
    private bool _disposed;

    private Child(Process process) => (_process, _error) = (process, process.StandardError.ReadToEndAsync());

    public int Id => _process.Id;

    public static Child Start(params IReadOnlyList<string> arguments) => Start(arguments, ("DOTNET_TieredPGO", "0"));

    public static Child Start(IReadOnlyList<string> arguments, (string Name, string Value) variable)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true, UseShellExecute = false };
        start.Environment[variable.Name] = variable.Value;
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return new Child(Process.Start(start)!);
    }

    public async Task ExitsWithAsync(int code)
    {
        var exited = await ExitsAsync();
        Assert.True(code == exited, $"exit code {exited} instead of {code}: {await _error}");
    }

    public async Task<int> ExitsAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
        var code = _process.ExitCode;
        Dispose();
        return code;
    }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
