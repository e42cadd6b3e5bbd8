using System.Text.Json;
using System.Text.Json.Serialization;

namespace StatefulRelocate.Cli.Processes;

/// <summary>What a background process writes about itself, so that another program finds it, and never a stranger under a reused process id.</summary>
internal sealed record ProcessRecord
{
    /// <summary>The file, in the state directory of the process.</summary>
    public const string FileName = "process.json";

    /// <summary>The process id.</summary>
    public required int Pid { get; init; }

    /// <summary>When it started: field 22 of <c>/proc/PID/stat</c>, in clock ticks since boot.</summary>
    public required long StartTime { get; init; }

    /// <summary>The boot in which these two mean something.</summary>
    public required string BootId { get; init; }

    /// <summary>Records this process in <paramref name="directory"/>, durably.</summary>
    public static void Write(string directory)
    {
        var record = new ProcessRecord { Pid = Environment.ProcessId, StartTime = StartTimeOf(Environment.ProcessId) ?? 0, BootId = CurrentBoot() };
        var path = Path.Combine(directory, FileName);
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, record, ProcessRecordJson.Default.ProcessRecord);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The record in <paramref name="directory"/>, or null when there is none that can be read.</summary>
    public static ProcessRecord? Read(string directory)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(directory, FileName)), ProcessRecordJson.Default.ProcessRecord);
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Takes the record away; the process ends.</summary>
    public static void Remove(string directory) => File.Delete(Path.Combine(directory, FileName));

    /// <summary>Whether the very process still runs.</summary>
    public bool IsAlive() => BootId == CurrentBoot() && StartTimeOf(Pid) == StartTime;

    private static string CurrentBoot() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    private static long? StartTimeOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // The name, in parentheses, may hold anything; the fields go on after the last one. A zombie has ended.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ProcessRecord))]
internal sealed partial class ProcessRecordJson : JsonSerializerContext;
