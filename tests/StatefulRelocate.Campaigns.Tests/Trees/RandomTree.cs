namespace StatefulRelocate.Campaigns.Tests.Trees;

/// <summary>A tree on disk that changes by chance: every kind of entry, every kind of change.</summary>
internal sealed class RandomTree
{
    private static readonly int[] s_sizes = [0, 1, 100, 4096, 8191, 8192, 8193, 20_000, 65_536, 262_144, 262_145, 1_000_000, 4_194_304, 4_200_000];
    private readonly Random _random;
    private readonly string _root;
    private readonly bool _owner = Environment.UserName == "root";
    private readonly List<string> _directories = [""];
    private readonly List<string> _files = [];
    private readonly List<string> _others = [];
    private int _next;

    public RandomTree(string root, Random random)
    {
        (_root, _random) = (Posix.Latin(root), random);
        Directory.CreateDirectory(root);
    }

    /// <summary>Changes so many things; what it did, for the message of a failure.</summary>
    public IReadOnlyList<string> Change(int times)
    {
        var done = new List<string>();
        for (var i = 0; i < times; i++)
            done.Add(ChangeOne());
        return done;
    }

    private string ChangeOne()
    {
        var what = _random.Next(24);
        if (_files.Count < 3 && what > 7)
            what = _random.Next(4);
        return what switch
        {
            0 or 1 => NewFile(),
            2 => NewDirectory(),
            3 => NewSparseFile(),
            4 => NewSymbolicLink(),
            5 => NewFifo(),
            6 => NewHardLink(),
            7 => SetMetadata(),
            8 or 9 or 10 or 11 => Overwrite(keepTime: false),
            12 => Overwrite(keepTime: true),
            13 => Append(),
            14 => SetLength(),
            15 => Punch(),
            16 => Replace(),
            17 => Rename(),
            18 => DeleteFile(),
            19 => DeleteDirectory(),
            20 => Become(),
            21 => SetAttributes(),
            22 => CopyContent(),
            _ => SetTime(),
        };
    }

    private string NewFile()
    {
        var path = NewName(Any(_directories));
        WriteNew(path, Content(Any(s_sizes) + _random.Next(3)));
        _files.Add(path);
        return $"new file {path}";
    }

    private string NewSparseFile()
    {
        var path = NewName(Any(_directories));
        Posix.With(At(path), Posix.ReadWrite | Posix.Create | Posix.Exclusive, file =>
        {
            Posix.Must(Posix.SetLength(file, _random.NextInt64(1 << 20, 1 << 26)), path);
            for (var pieces = _random.Next(4); pieces > 0; pieces--)
                Posix.WriteAll(file, Content(_random.Next(1, 20_000)), _random.NextInt64(1 << 20));
        });
        _files.Add(path);
        return $"new sparse file {path}";
    }

    private string NewDirectory()
    {
        var path = NewName(Any(_directories));
        Posix.MakeDirectory(At(path));
        _directories.Add(path);
        return $"new directory {path}";
    }

    private string NewSymbolicLink()
    {
        var path = NewName(Any(_directories));
        Posix.MakeSymbolicLink(_random.Next(3) switch { 0 => "/etc/passwd", 1 => "../nowhere\xFF", _ => new string('t', _random.Next(1, 200)) }, At(path));
        _others.Add(path);
        return $"new symbolic link {path}";
    }

    private string NewFifo()
    {
        var path = NewName(Any(_directories));
        Posix.MakeFifo(At(path));
        _others.Add(path);
        return $"new FIFO {path}";
    }

    private string NewHardLink()
    {
        if (_files.Count == 0)
            return NewFile();
        var (path, other) = (NewName(Any(_directories)), Any(_files));
        Posix.MakeHardLink(At(other), At(path));
        _files.Add(path);
        return $"new hard link {path} of {other}";
    }

    private string SetMetadata()
    {
        var path = Any(_random.Next(3) == 0 || _files.Count == 0 ? _directories : _files);
        if (_owner)
            Posix.SetOwner(At(path), _random.Next(3) * 1000, _random.Next(3) * 1000);
        // Owner bits stay: a plain user has to read it.
        Posix.SetMode(At(path), (uint)(0x1C0 | _random.Next(0x40) | (_random.Next(4) == 0 ? _random.Next(1, 8) << 9 : 0)));
        return $"mode and owner of {path}";
    }

    private string SetTime()
    {
        var path = Any(_files);
        Posix.SetModified(At(path), _random.Next(4) switch { 0 => -1_000_000, 1 => 4_000_000_000, _ => 1_700_000_000 + _random.Next(1_000_000) }, _random.Next(1_000_000_000));
        return $"time of {path}";
    }

    private string SetAttributes()
    {
        var path = Any(_files);
        var name = $"user.a{_random.Next(3)}";
        try
        {
            Posix.SetAttribute(At(path), name, Content(_random.Next(1, 600)));
            return $"attribute {name} of {path}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "no attributes here";
        }
    }

    private string Overwrite(bool keepTime)
    {
        var path = Any(_files);
        var length = LengthOf(path);
        if (length == 0)
            return Append();
        Posix.With(At(path), Posix.ReadWrite, file =>
        {
            for (var pages = _random.Next(1, 5); pages > 0; pages--)
            {
                var offset = _random.NextInt64(length);
                var content = Content((int)Math.Min(length - offset, _random.Next(1, 10_000)));
                if (_random.Next(5) == 0)
                    content.AsSpan().Clear();
                Posix.WriteAll(file, content, offset);
            }
        });
        if (keepTime)
            Posix.SetModified(At(path), 1_600_000_000, 5);
        return $"overwrite {path}{(keepTime ? ", time put back" : "")}";
    }

    private string Append()
    {
        var path = Any(_files);
        var length = LengthOf(path);
        Posix.With(At(path), Posix.WriteOnly, file => Posix.WriteAll(file, Content(_random.Next(1, 30_000)), length));
        return $"append to {path}";
    }

    private string SetLength()
    {
        var path = Any(_files);
        var length = _random.NextInt64(LengthOf(path) + 30_000);
        Posix.With(At(path), Posix.WriteOnly, file => Posix.Must(Posix.SetLength(file, length), path));
        return $"length of {path} is {length}";
    }

    private string Punch()
    {
        var path = Any(_files);
        var length = LengthOf(path);
        Posix.With(At(path), Posix.WriteOnly, file => Posix.Allocate(file, Posix.PunchHole, _random.NextInt64(length + 1), _random.Next(1, 100_000)));
        return $"hole in {path}";
    }

    private string Replace()
    {
        var (path, fresh) = (Any(_files), NewName(""));
        WriteNew(fresh, Content(_random.Next(1, 40_000)));
        Posix.Move(At(fresh), At(path));
        return $"replace {path}";
    }

    private string CopyContent()
    {
        var (from, to) = (Any(_files), NewName(Any(_directories)));
        if (LengthOf(from) > 8 << 20)
            return NewFile();
        File.Copy(Net(from), Net(to));
        _files.Add(to);
        return $"copy {from} to {to}";
    }

    private string Rename()
    {
        var (from, to) = (Any(_files), NewName(Any(_directories)));
        Posix.Move(At(from), At(to));
        _files.Remove(from);
        _files.Add(to);
        return $"rename {from} to {to}";
    }

    private string DeleteFile()
    {
        var list = _others.Count > 0 && _random.Next(3) == 0 ? _others : _files;
        var path = Any(list);
        Posix.Delete(At(path));
        list.Remove(path);
        return $"delete {path}";
    }

    private string DeleteDirectory()
    {
        var path = Any(_directories);
        if (path.Length == 0 || _directories.Count < 4)
            return NewDirectory();
        Remove(path);
        return $"delete directory {path}";
    }

    /// <summary>The same name, another kind.</summary>
    private string Become()
    {
        var path = Any(_files);
        Posix.Delete(At(path));
        _files.Remove(path);
        switch (_random.Next(3))
        {
            case 0:
                Posix.MakeDirectory(At(path));
                _directories.Add(path);
                return $"{path} becomes a directory";
            case 1:
                Posix.MakeSymbolicLink("elsewhere", At(path));
                _others.Add(path);
                return $"{path} becomes a symbolic link";
            default:
                var directory = _directories.Find(d => d.Length > 0);
                if (directory is not null)
                {
                    Remove(directory);
                    WriteNew(directory, Content(3000));
                    _files.Add(directory);
                }

                return $"{directory} becomes a file";
        }
    }

    private void Remove(string directory)
    {
        using var rm = System.Diagnostics.Process.Start("rm", ["-rf", Net(directory)]);
        rm.WaitForExit();
        foreach (var list in new[] { _directories, _files, _others })
            list.RemoveAll(path => path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal));
    }

    private void WriteNew(string path, byte[] content) => Posix.With(At(path), Posix.WriteOnly | Posix.Create | Posix.Exclusive, file => Posix.WriteAll(file, content, 0));

    private byte[] Content(int length)
    {
        var content = new byte[length];
        switch (_random.Next(4))
        {
            case 0:
                break;
            case 1:
                // Blocks that stand elsewhere too.
                content.AsSpan().Fill((byte)_random.Next(1, 4));
                break;
            case 2:
                _random.NextBytes(content.AsSpan(length / 2));
                break;
            default:
                _random.NextBytes(content);
                break;
        }

        return content;
    }

    // Directories get names that .NET can say; the rest also what it cannot.
    private string NewName(string directory)
    {
        var number = _next++;
        var name = _random.Next(8) switch { 0 => $"{number} with space", 1 => $"n{number}.\\x", 2 => $"-{number}", 3 => $"{number}" + new string('l', 200), _ => $"n{number}" };
        return directory.Length == 0 ? name : $"{directory}/{name}";
    }

    private long LengthOf(string path) => new FileInfo(Net(path)).Length;

    private string At(string path) => path.Length == 0 ? _root : $"{_root}/{path}";

    private string Net(string path) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.Latin1.GetBytes(At(path)));

    private T Any<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];
}
