using System.Globalization;

namespace StatefulRelocate.Benchmarks.Running;

/// <summary>What was measured, told as it comes.</summary>
internal sealed class BenchmarkLog(TextWriter output)
{
    private readonly List<Sample> _samples = [];
    private readonly List<string> _failures = [];
    private readonly List<string> _notes = [];

    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>Engines and operations that did not work, with the reason.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>What a reader of the report has to know besides.</summary>
    public IReadOnlyList<string> Notes => _notes;

    public void Add(Sample sample)
    {
        _samples.Add(sample);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  {sample.Set,-6} {sample.Place,-9} run {sample.Run}  {sample.Engine,-9} {sample.Operation,-17} {sample.Seconds,8:0.000} s  {sample.CpuSeconds,7:0.00} CPU-s  {sample.PeakBytes / 1048576.0,6:0} MiB  {sample.StoredBytes / 1048576.0,+8:0.0} MiB stored{(sample.Requests is { } requests ? $"  {requests} requests" : "")}"));
    }

    public void Failed(string engine, string what, string why)
    {
        _failures.Add($"{engine}: {what}: {why}");
        output.WriteLine($"  {engine} FAILED: {what}: {why}");
    }

    public void Note(string text)
    {
        _notes.Add(text);
        output.WriteLine($"  {text}");
    }

    public void Say(string text) => output.WriteLine(text);
}
