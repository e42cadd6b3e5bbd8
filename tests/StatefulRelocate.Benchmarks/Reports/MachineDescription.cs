using System.Globalization;
using System.Runtime.InteropServices;
using StatefulRelocate.Benchmarks.Processes;

namespace StatefulRelocate.Benchmarks.Reports;

/// <summary>What it was measured on.</summary>
internal sealed record MachineDescription(string Processor, int Processors, string Extensions, double MemoryGiB, string Kernel, string System, string FileSystem, bool ColdCaches)
{
    private static readonly string[] s_telling = ["sha_ni", "avx2", "avx512f", "vaes"];

    public static MachineDescription Read(string work)
    {
        var cpu = Lines("/proc/cpuinfo");
        var flags = Field(cpu, "flags").Split(' ');
        var memory = Field(Lines("/proc/meminfo"), "MemTotal").Split(' ')[0];
        return new MachineDescription(
            Field(cpu, "model name"), Environment.ProcessorCount, string.Join(", ", s_telling.Where(flags.Contains)),
            double.Parse(memory, CultureInfo.InvariantCulture) / (1 << 20), string.Join(' ', Lines("/proc/sys/kernel/osrelease")),
            Field(Lines("/etc/os-release"), "PRETTY_NAME", '=').Trim('"') is { Length: > 0 } name ? name : RuntimeInformation.OSDescription,
            new DriveInfo(work).DriveFormat, PageCache.CanDrop);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Processors} x {Processor} ({Extensions}), {MemoryGiB:0.#} GiB, {System}, Linux {Kernel}, {FileSystem}; {(ColdCaches ? "cold: page cache dropped; warm: program, its own files and the volumes in it" : "the page cache could not be dropped: 'cold' figures are warm ones")}");

    private static string[] Lines(string path) => File.Exists(path) ? File.ReadAllLines(path) : [];

    private static string Field(string[] lines, string name, char separator = ':')
        => Array.Find(lines, line => line.StartsWith(name, StringComparison.Ordinal)) is { } line ? line[(line.IndexOf(separator, StringComparison.Ordinal) + 1)..].Trim() : "0";
}
