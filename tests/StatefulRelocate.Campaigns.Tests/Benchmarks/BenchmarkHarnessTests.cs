using System.Text.Json;
using StatefulRelocate.Campaigns.Tests.Programs;

namespace StatefulRelocate.Campaigns.Tests.Benchmarks;

/// <summary>The benchmark program runs, measures and reports. No time is asserted.</summary>
public sealed class BenchmarkHarnessTests
{
    [Fact]
    public async Task A_tiny_benchmark_measures_every_operation_and_writes_both_reports()
    {
        var directory = Directory.CreateTempSubdirectory("bench-tests-").FullName;
        try
        {
            var (json, report) = (Path.Combine(directory, "bench.json"), Path.Combine(directory, "report.md"));
            var result = await RelocateProgram.RunAsync(RelocateProgram.Beside("StatefulRelocate.Benchmarks", "StatefulRelocate.Benchmarks"),
                ["--scale", "0.002", "--runs", "1", "--set", "db,small", "--engines", "relocate", "--relocate", RelocateProgram.Path, "--work", directory, "--json", json, "--report", report]);
            Assert.True(result.ExitCode == 0, result.ToString());

            using var document = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
            var samples = document.RootElement.GetProperty("samples").EnumerateArray().ToList();
            Assert.Equal(14, samples.Count);
            Assert.All(samples, sample => Assert.True(sample.GetProperty("seconds").GetDouble() > 0 && sample.GetProperty("peakBytes").GetInt64() > 1 << 20));
            var text = await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken);
            Assert.Contains("## Limits of the machine", text, StringComparison.Ordinal);
            Assert.Contains("| final round", text, StringComparison.Ordinal);
            Assert.Equal(["bench.json", "report.md"], Directory.EnumerateFileSystemEntries(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("--set", "huge")]
    [InlineData("--scale", "0")]
    [InlineData("--frobnicate", "1")]
    public async Task A_wrong_option_is_told_in_one_line(string option, string value)
    {
        var result = await RelocateProgram.RunAsync(RelocateProgram.Beside("StatefulRelocate.Benchmarks", "StatefulRelocate.Benchmarks"), [option, value]);
        Assert.Equal(2, result.ExitCode);
        Assert.Single(result.Errors.TrimEnd().Split('\n'));
    }
}
