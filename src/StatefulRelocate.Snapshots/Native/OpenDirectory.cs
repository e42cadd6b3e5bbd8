using System.Text;
using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>
/// A directory held open. Everything below it is reached by one name at a time, never following a link, so that neither a hostile
/// snapshot nor a link swapped in meanwhile leads outside.
/// </summary>
internal sealed unsafe class OpenDirectory : IDisposable
{
    private const int CurrentDirectory = -100;
    private readonly OpenFile _handle;

    private OpenDirectory(OpenFile handle) => _handle = handle;

    public OpenFile Handle => _handle;

    /// <summary>Opens a directory by an absolute path that the user chose; links in it are followed.</summary>
    public static OpenDirectory Open(string path) => Open(path, null, path);

    /// <summary>The same for a copy of the tree: files bear the device number of the original, and messages its path.</summary>
    public static OpenDirectory Open(string path, DeviceAlias? alias, string shown)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            var descriptor = Posix.OpenAt(CurrentDirectory, name, Posix.ReadOnly | Posix.DirectoryOnly | Posix.CloseOnExec, 0);
            if (descriptor < 0)
                throw SystemCallException.Last("open the directory", path);
            return new OpenDirectory(new OpenFile(descriptor, shown, alias));
        }
    }

    public OpenDirectory OpenDirectoryAt(string name) => new(OpenAt(name, Posix.ReadOnly | Posix.DirectoryOnly));

    public OpenFile OpenAt(string name, int flags, uint mode = 0)
    {
        fixed (byte* path = Terminated(name))
        {
            var descriptor = Posix.OpenAt(_handle.Descriptor, path, flags | Posix.NoFollow | Posix.CloseOnExec, mode);
            if (descriptor < 0)
                throw SystemCallException.Last("open", Show(name));
            return new OpenFile(descriptor, Show(name), _handle.Alias);
        }
    }

    public FileFacts? FactsAt(string name)
    {
        RawStatx raw = default;
        fixed (byte* path = Terminated(name))
        {
            if (Posix.Statx(_handle.Descriptor, path, Posix.AtNoFollow, 0x7FF, &raw) != 0)
                return Posix.LastError == Posix.NotFound ? null : throw SystemCallException.Last("stat", Show(name));
        }

        return FileFacts.From(raw, _handle.Alias);
    }

    /// <summary>The names in the directory, sorted by their bytes.</summary>
    public List<string> Names() => Names(int.MaxValue)!;

    /// <summary>The same; null when there are more than <paramref name="most"/>.</summary>
    public List<string>? Names(int most)
    {
        // A fresh descriptor: the position of a directory stream is shared by all users of one.
        using var stream = OpenDirectoryAt(".");
        var names = new List<string>();
        var buffer = new byte[64 * 1024];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var length = Posix.GetDirectoryEntries(stream._handle.Descriptor, start, (nuint)buffer.Length);
                if (length < 0)
                    throw SystemCallException.Last("list", _handle.Shown);
                if (length == 0)
                    break;
                for (nint position = 0; position < length;)
                {
                    var size = *(ushort*)(start + position + 16);
                    var name = Encoding.Latin1.GetString(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(start + position + 19));
                    if (name is not ("." or ".."))
                        names.Add(name);
                    position += size;
                }

                if (names.Count > most)
                    return null;
            }
        }

        names.Sort(string.CompareOrdinal);
        return names;
    }

    public string ReadLink(string name)
    {
        var buffer = new byte[4096];
        fixed (byte* path = Terminated(name))
        fixed (byte* target = buffer)
        {
            var length = Posix.ReadLinkAt(_handle.Descriptor, path, target, (nuint)buffer.Length);
            if (length < 0)
                throw Posix.LastError == Posix.Invalid ? new SystemCallException("read the link (it is none any more)", Show(name), Posix.NotFound) : SystemCallException.Last("read the link", Show(name));
            return Encoding.Latin1.GetString(buffer, 0, (int)length);
        }
    }

    public void MakeSymbolicLink(string name, string target)
    {
        fixed (byte* path = Terminated(name), to = Terminated(target))
            Check(Posix.SymlinkAt(to, _handle.Descriptor, path), "make the link", name);
    }

    public void MakeHardLink(string name, OpenDirectory fromDirectory, string from)
    {
        fixed (byte* path = Terminated(name), source = Terminated(from))
            Check(Posix.LinkAt(fromDirectory._handle.Descriptor, source, _handle.Descriptor, path, 0), "make the hard link", name);
    }

    public void MakeDirectory(string name)
    {
        fixed (byte* path = Terminated(name))
            Check(Posix.MakeDirectoryAt(_handle.Descriptor, path, 0x1C0), "make the directory", name);
    }

    public void MakeFifo(string name)
    {
        fixed (byte* path = Terminated(name))
            Check(Posix.MakeFifoAt(_handle.Descriptor, path, 0x180), "make the FIFO", name);
    }

    public void Remove(string name, EntryType type)
    {
        fixed (byte* path = Terminated(name))
        {
            if (Posix.UnlinkAt(_handle.Descriptor, path, type == EntryType.Directory ? Posix.AtRemoveDirectory : 0) != 0 && Posix.LastError != Posix.NotFound)
                throw SystemCallException.Last("remove", Show(name));
        }
    }

    /// <summary>Removes a directory; whether it was one, and empty.</summary>
    public bool TryRemoveDirectory(string name)
    {
        fixed (byte* path = Terminated(name))
            return Posix.UnlinkAt(_handle.Descriptor, path, Posix.AtRemoveDirectory) == 0;
    }

    /// <summary>Its absolute path without links, as it is now.</summary>
    public string RealPath() => new FileInfo($"/proc/self/fd/{_handle.Descriptor}").LinkTarget ?? _handle.Shown;

    public void Dispose() => _handle.Dispose();

    public string Show(string name) => name.Length == 0 || name == "." ? _handle.Shown : $"{_handle.Shown}/{PathText.Show(name)}";

    public static byte[] Terminated(string name) => Encoding.Latin1.GetBytes(name + "\0");

    private void Check(int result, string action, string name)
    {
        if (result != 0)
            throw SystemCallException.Last(action, Show(name));
    }
}
