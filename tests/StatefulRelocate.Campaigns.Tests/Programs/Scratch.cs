using System.Diagnostics;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Campaigns.Tests.Programs;

/// <summary>A directory of one test, with a key file; removed at the end whatever names it holds.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch(string? below = null)
    {
        Root = below is null ? Directory.CreateTempSubdirectory("campaign-").FullName : Directory.CreateDirectory(Path.Combine(below, "campaign")).FullName;
        KeyFile = At("key");
        RepositoryKey.CreateKeyFile(KeyFile);
    }

    public string Root { get; }

    public string KeyFile { get; }

    public RepositoryKey Key => RepositoryKey.FromKeyFile(KeyFile);

    public string At(params string[] names) => Path.Combine([Root, .. names]);

    public string Make(params string[] names) => Directory.CreateDirectory(At(names)).FullName;

    // rm, because the names of some files are no UTF-8, and some paths are longer than a path may be.
    public void Dispose() => Remove(Root);

    public static void Remove(string path)
    {
        using var rm = Process.Start("rm", ["-rf", path]);
        rm.WaitForExit();
    }
}
