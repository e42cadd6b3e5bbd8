using System.Diagnostics;

namespace StatefulRelocate.Campaigns.Tests.Programs;

/// <summary>A file system of one test, unmounted at the end. Without the right to mount, the test is skipped.</summary>
internal sealed class Mount : IDisposable
{
    private Mount(string path) => Path = path;

    public string Path { get; }

    public static Mount Make(string path, string type, string options)
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root can mount");
        Directory.CreateDirectory(path);
        var (code, said) = Run("mount", "-t", type, "-o", options, type, path);
        Assert.SkipUnless(code == 0, $"cannot mount {type} here: {said}");
        return new Mount(path);
    }

    public void Remount(string options)
    {
        var (code, said) = Run("mount", "-o", $"remount,{options}", Path);
        Assert.True(code == 0, said);
    }

    public void Dispose() => Run("umount", "-l", Path);

    private static (int Code, string Said) Run(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        var said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said.Trim());
    }
}
