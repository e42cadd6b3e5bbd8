using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace StatefulRelocate.Activities.Durability;

/// <summary>Small JSON files of the agent: whole or not at all, and on the disk when a write returns. Mode 0600.</summary>
internal static partial class DurableFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static T? Read<T>(string path, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException exception)
        {
            throw new ActivityException("agent-file-damaged", $"{path} cannot be read: {exception.Message}; look at it, and remove it only if you know why", retryable: false, exception);
        }
    }

    public static void Write<T>(string path, T value, JsonTypeInfo<T> type)
    {
        var temporary = WriteTemporary(path, value, type);
        File.Move(temporary, path, overwrite: true);
        DirectorySync.Flush(Path.GetDirectoryName(path)!);
    }

    /// <summary>Writes only when there is no such file.</summary>
    public static bool TryCreate<T>(string path, T value, JsonTypeInfo<T> type)
    {
        var temporary = WriteTemporary(path, value, type);
        try
        {
            // link(2) puts a whole file under its name or fails; an exclusive open could leave an empty one after a crash.
            if (Link(temporary, path) == 0)
            {
                DirectorySync.Flush(Path.GetDirectoryName(path)!);
                return true;
            }

            return File.Exists(path) ? false : throw new IOException($"link {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        DirectorySync.Flush(Path.GetDirectoryName(path)!);
    }

    private static string WriteTemporary<T>(string path, T value, JsonTypeInfo<T> type)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        using var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        JsonSerializer.Serialize(stream, value, type);
        stream.Flush(flushToDisk: true);
        return temporary;
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);
}
