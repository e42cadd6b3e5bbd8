using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Local.Hooks;

/// <summary>What a command that the keeper ran says, and what that means for a hook.</summary>
internal static class HookRunner
{
    /// <summary>Runs a hook; a failure throws unless its policy is to ignore, then it is the warning that is returned.</summary>
    public static async Task<string?> RunAsync(string app, string cluster, AppHook hook, string log, Func<ExecCommand, TimeSpan, Task<KeeperReply>> execute)
    {
        string? problem;
        try
        {
            var reply = await execute(hook.Exec, hook.Timeout).ConfigureAwait(false);
            problem = Problem($"hook {hook.Exec.Command[0]} of app {app} on {cluster}", reply, hook.Timeout, log);
        }
        catch (ClusterException error) when (hook.OnError == HookErrorPolicy.Ignore && error.Code is not ("may-not-run" or "keeper-gone"))
        {
            return error.Message;
        }

        return problem is null || hook.OnError == HookErrorPolicy.Ignore ? problem : throw new ClusterException("hook-failed", problem);
    }

    /// <summary>
    /// Why a command did not succeed, in one line, or null when it did. Neither its arguments nor what it printed: the line travels in
    /// events and reports, and both may hold secrets.
    /// </summary>
    public static string? Problem(string what, KeeperReply reply, TimeSpan timeout, string log) => reply.ExitCode switch
    {
        0 => null,
        null => $"{what} was killed after {timeout.TotalSeconds:0.###} s; its output is in {log}",
        var code => $"{what} exited with {code}; its output is in {log}",
    };
}
