namespace StatefulRelocate.Configuration.Tests;

/// <summary>A file in a directory of its own, gone at the end.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("relocate-configuration-");

    public TemporaryFile(string text) => File.WriteAllText(Path, text);

    public TemporaryFile(byte[] content) => File.WriteAllBytes(Path, content);

    public string Path => System.IO.Path.Combine(Directory, "file.yaml");

    public string Directory => _directory.FullName;

    public void Dispose() => _directory.Delete(recursive: true);
}
