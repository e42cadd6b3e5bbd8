using System.Diagnostics;

namespace StatefulRelocate.Engines.Tests.Rig;

/// <summary>This test program once more, as another process.</summary>
internal sealed class Child : IDisposable
{
    /// <summary>The exit code of a process that SIGKILL ended.</summary>
    public const int Killed = 137;

    private readonly Process _process;
    private readonly Task<string> _error;

    private Child(Process process) => (_process, _error) = (process, process.StandardError.ReadToEndAsync());

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static Child Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true, UseShellExecute = false };
        // Half of its short life would be spent on making code faster.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return new Child(Process.Start(start)!);
    }

    public async Task ExitsWithAsync(int code)
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).Soon();
        Assert.True(code == _process.ExitCode, $"exit code {_process.ExitCode} instead of {code}: {await _error}");
        Dispose();
    }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
