using System.Diagnostics;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Snapshots.Consistency;

/// <summary>Runs the hooks of one snapshot: the one after runs exactly once for each time that the one before was begun, whatever happened between.</summary>
internal sealed class HookRun
{
    private readonly SourceHooks _hooks;
    private readonly string _mark;
    private readonly Action<string> _warn;
    private readonly TimeProvider _time;
    private bool _open;

    /// <param name="hooks">The commands.</param>
    /// <param name="journal">The journal's directory: a mark there stands between the hooks, so that a killed process is found out.</param>
    /// <param name="time">Measures the time limit.</param>
    /// <param name="warn">Takes what the user must be told.</param>
    public HookRun(SourceHooks hooks, string journal, TimeProvider time, Action<string> warn)
        => (_hooks, _mark, _time, _warn) = (hooks, Path.Combine(journal, "between-hooks"), time, warn);

    /// <exception cref="RelocateException">The hook failed; the other one has run.</exception>
    public async Task BeforeAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(_mark))
        {
            _warn("an earlier snapshot was killed between its hooks" + (_hooks.After is null ? "; its post-hook has not run" : ": the post-hook is run first"));
            await AfterAsync().ConfigureAwait(false);
            File.Delete(_mark);
        }

        if (_hooks.Before is null && _hooks.After is null)
            return;
        if (_hooks.After is not null)
            DurableNote.Write(_mark, []);
        _open = true;
        if (_hooks.Before is null || await RunAsync(_hooks.Before, cancellationToken).ConfigureAwait(false) is not { } problem)
            return;
        var other = await CloseAsync().ConfigureAwait(false);
        throw new RelocateException($"the pre-hook {problem}; nothing was taken{(other ? ", and the post-hook has run" : "")}. What it prints is not shown: run it by itself to see");
    }

    /// <summary>The hook after, if it is due.</summary>
    /// <returns>Whether it ran.</returns>
    public async Task<bool> CloseAsync()
    {
        if (!_open)
            return false;
        _open = false;
        var ran = await AfterAsync().ConfigureAwait(false);
        File.Delete(_mark);
        return ran;
    }

    private async Task<bool> AfterAsync()
    {
        if (_hooks.After is null)
            return false;

        // Not cancelled with the snapshot: the app waits for it.
        if (await RunAsync(_hooks.After, CancellationToken.None).ConfigureAwait(false) is { } problem)
            _warn($"the post-hook {problem}");
        return true;
    }

    /// <summary>Null, or what went wrong.</summary>
    private async Task<string?> RunAsync(string command, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        start.Environment.Remove("RELOCATE_PASSPHRASE");
        using var process = Process.Start(start) ?? throw new RelocateException("/bin/sh cannot be started, so no hook can be run");
        using var limit = new CancellationTokenSource(_hooks.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        process.StandardInput.Close();

        // Read and thrown away: a hook that prints much must not wait for a reader. Not awaited: what it leaves running may keep the pipes open.
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            if (!limit.IsCancellationRequested)
                return "was cancelled";
            return $"took longer than {_hooks.Timeout.TotalSeconds:0.###} s and was killed";
        }

        return process.ExitCode == 0 ? null : $"ended with exit code {process.ExitCode}";
    }
}
