namespace StatefulRelocate.Snapshots.Rounds;

/// <summary>What the user must be told of a round, gathered from all its parts; bounded, however many names cannot be read.</summary>
/// <param name="fuzzy">Whether files that change while they are read are no news: another round follows, and the last one refuses them.</param>
internal sealed class RoundWarnings(bool fuzzy)
{
    private const int Most = 100;
    private readonly Lock _lock = new();
    private readonly List<string> _said = [];
    private int _unsaid, _changing;
    private string _firstChanging = "";

    public void Add(string warning)
    {
        lock (_lock)
        {
            if (_said.Count < Most)
                _said.Add(warning);
            else
                _unsaid++;
        }
    }

    /// <summary>A file changed while it was read, again and again.</summary>
    public void AddChanging(string shown)
    {
        if (fuzzy)
            return;
        lock (_lock)
        {
            if (_changing++ == 0)
                _firstChanging = shown;
        }
    }

    public IReadOnlyList<string> All()
    {
        lock (_lock)
        {
            var all = new List<string>(_said);
            if (_unsaid > 0)
                all.Add($"{_unsaid} more warnings like these");
            if (_changing > 0)
                all.Add($"{_firstChanging}{(_changing > 1 ? $" and {_changing - 1} other files" : "")}: changed while it was read, so what is stored may never have stood there at one instant");
            return all;
        }
    }
}
