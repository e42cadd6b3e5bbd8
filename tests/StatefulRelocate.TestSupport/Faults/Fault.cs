namespace StatefulRelocate.TestSupport.Faults;

/// <summary>What may happen to a request.</summary>
public enum Fault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It takes up to 20 ms longer.</summary>
    Delay,

    /// <summary>It never arrives.</summary>
    Drop,

    /// <summary>Its answer ends before its end.</summary>
    Truncate,

    /// <summary>The server fails (500).</summary>
    ServerError,

    /// <summary>The server is not there for now (503).</summary>
    Unavailable,

    /// <summary>Too many requests (429).</summary>
    TooMany,

    /// <summary>It takes effect, and its answer is lost.</summary>
    LostAnswer,

    /// <summary>A list is answered as it was some lists ago.</summary>
    StaleList,
}

/// <summary>Draws faults: a seed, and how often each comes.</summary>
public sealed class FaultPlan
{
    private readonly Lock _lock = new();
    private readonly Random _random;
    private readonly Dictionary<Fault, double> _rates;
    private readonly Dictionary<Fault, int> _drawn = [];

    /// <summary>Makes one.</summary>
    /// <param name="seed">Of the draws; tests print it.</param>
    /// <param name="rates">The part of all requests, 0 to 1, that each fault meets.</param>
    public FaultPlan(int seed, params IEnumerable<(Fault Fault, double Rate)> rates)
    {
        _random = new Random(seed);
        _rates = rates.ToDictionary(rate => rate.Fault, rate => rate.Rate);
    }

    /// <summary>Whether faults come at all; true by default.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How many of each came so far.</summary>
    public IReadOnlyDictionary<Fault, int> Drawn
    {
        get
        {
            lock (_lock)
                return new Dictionary<Fault, int>(_drawn);
        }
    }

    /// <summary>All faults of a network and a server, each as often.</summary>
    public static IEnumerable<(Fault Fault, double Rate)> Each(double rate)
        => from fault in Enum.GetValues<Fault>() where fault is not (Fault.None or Fault.StaleList) select (fault, rate);

    /// <summary>The fate of the next request.</summary>
    public Fault Next()
    {
        lock (_lock)
        {
            if (!Enabled)
                return Fault.None;
            var point = _random.NextDouble();
            foreach (var (fault, rate) in _rates)
            {
                if ((point -= rate) < 0)
                {
                    _drawn[fault] = _drawn.GetValueOrDefault(fault) + 1;
                    return fault;
                }
            }

            return Fault.None;
        }
    }

    /// <summary>A number from 0, below <paramref name="limit"/>.</summary>
    public int Number(int limit)
    {
        lock (_lock)
            return _random.Next(limit);
    }
}
