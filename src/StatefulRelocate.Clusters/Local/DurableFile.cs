using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using StatefulRelocate.Clusters.Local.Native;

namespace StatefulRelocate.Clusters.Local;

/// <summary>Small files that are either the old or the new one, whatever happens, and the new one once a write has returned.</summary>
internal static class DurableFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Temporary file, fsync, rename, fsync of the directory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="value">What it holds.</param>
    /// <param name="type">Its JSON form.</param>
    /// <param name="durable">Whether it has to outlive a power failure; without, only a crash of this process.</param>
    public static void Write<T>(string path, T value, JsonTypeInfo<T> type, bool durable = true)
    {
        var temporary = $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = OwnerOnly };
        using (var file = new FileStream(temporary, options))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(value, type));
            if (durable)
                file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        if (durable)
            FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>What a file holds, or null when there is none. A damaged file is an error: nobody may guess what it said.</summary>
    public static T? Read<T>(string path, JsonTypeInfo<T> type)
        where T : class
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("it is empty");
        }
        catch (JsonException error)
        {
            throw new ClusterException("state-damaged", $"{path}: cannot be read: {error.Message}; restore it or remove the app", retryable: false, error);
        }
    }

    /// <summary>Deletes a file for good.</summary>
    public static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        FlushDirectory(Path.GetDirectoryName(path)!);
    }

    public static void FlushDirectory(string path)
    {
        var descriptor = Libc.open(path, Libc.OReadOnly | Libc.ODirectory | Libc.OCloseOnExec, 0);
        if (descriptor < 0)
            throw new IOException($"{path}: cannot open the directory to flush it");
        var failed = Libc.fsync(descriptor) != 0;
        _ = Libc.close(descriptor);
        if (failed)
            throw new IOException($"{path}: cannot flush the directory");
    }
}
