using System.Diagnostics;

namespace StatefulRelocate.EndToEnd.Tests.Programs;

/// <summary>A directory for one test. Whatever still names it in its environment or command line at the end is killed, by id.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    /// <param name="parent">Where it is made; null: among the temporary files of this machine.</param>
    public TemporaryDirectory(string? parent = null)
        => Path = parent is null ? Directory.CreateTempSubdirectory("e2e-").FullName : Directory.CreateDirectory(System.IO.Path.Combine(parent, "e2e-" + Guid.NewGuid().ToString("n"))).FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>What is in it, without what the runtime of a development build leaves for debuggers when it is killed.</summary>
    public IReadOnlyList<string> Entries() =>
    [
        .. Directory.GetFileSystemEntries(Path).Where(static entry =>
            !System.IO.Path.GetFileName(entry).StartsWith("clr-debug-pipe-", StringComparison.Ordinal) && !System.IO.Path.GetFileName(entry).StartsWith("dotnet-diagnostic-", StringComparison.Ordinal)),
    ];

    /// <summary>Processes that carry this directory in their environment or command line.</summary>
    public List<int> Processes()
    {
        var found = new List<int>();
        foreach (var id in ProcFiles.ProcessIds())
        {
            if (id != Environment.ProcessId
                && (ProcFiles.Read(id, "environ").Contains(Path, StringComparison.Ordinal) || ProcFiles.Read(id, "cmdline").Contains(Path, StringComparison.Ordinal)))
                found.Add(id);
        }

        return found;
    }

    public void Dispose()
    {
        for (var pass = 0; pass < 100 && Processes() is { Count: > 0 } left; pass++)
        {
            foreach (var id in left)
            {
                try
                {
                    using var process = Process.GetProcessById(id);
                    process.Kill();
                }
                catch (Exception error) when (error is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
                {
                    // Gone meanwhile.
                }
            }

            Thread.Sleep(20);
        }

        for (var pass = 0; ; pass++)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException) when (pass < 20)
            {
                Thread.Sleep(50);
            }
        }
    }
}
