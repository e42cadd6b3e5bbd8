namespace StatefulRelocate.Benchmarks.DataSets;

/// <summary>The bytes of a data set.</summary>
/// <param name="Bytes">Of all files.</param>
/// <param name="TouchedBytes">Of the files that a round changes something in.</param>
/// <param name="ChangedBytes">That a round changes.</param>
/// <param name="ChangesPages">Whether those are pages at random places.</param>
internal readonly record struct DataSetWork(long Bytes, long TouchedBytes, long ChangedBytes, bool ChangesPages);

/// <summary>A tree that depends on a seed and a scale only, and the changes of each later round.</summary>
internal abstract class DataSet(string name, double scale, ulong seed)
{
    public string Name { get; } = name;

    public ulong Seed { get; } = seed;

    protected double Scale { get; } = scale;

    public abstract string Description { get; }

    /// <summary>What an engine has to move.</summary>
    public abstract DataSetWork Work { get; }

    /// <summary>Writes the tree into an empty directory.</summary>
    public abstract void Create(string directory);

    /// <summary>Changes what the set changes in a round; the bytes that were rewritten.</summary>
    public abstract long Change(string directory, int round);

    public static DataSet Make(string name, double scale, ulong seed) => name switch
    {
        "db" => new DatabaseSet(scale, seed),
        "big" => new BigFilesSet(scale, seed),
        "small" => new SmallFilesSet(scale, seed),
        _ => throw new BenchmarkException($"no data set '{name}'; there are db, big, small"),
    };

    protected static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.Read, 0);
}
