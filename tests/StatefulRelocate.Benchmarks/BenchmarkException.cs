namespace StatefulRelocate.Benchmarks;

/// <summary>Something that ends a benchmark with one line.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
