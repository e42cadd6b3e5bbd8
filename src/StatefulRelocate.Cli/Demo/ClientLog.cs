using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using StatefulRelocate.Core.Reports;

namespace StatefulRelocate.Cli.Demo;

/// <summary>What one client wrote down: see <c>samples/README.md</c>.</summary>
internal sealed record ClientLog(ImmutableArray<ClientWrite> Writes, long Failed)
{
    /// <summary>Reads it; a line that is still being written is left out.</summary>
    public static async Task<ClientLog> ReadAsync(string path, CancellationToken cancellationToken)
    {
        var writes = ImmutableArray.CreateBuilder<ClientWrite>();
        long failed = 0;
        if (!File.Exists(path))
            return new ClientLog([], 0);
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync(cancellationToken);
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var document = JsonDocument.Parse(line);
            var entry = document.RootElement;
            switch (entry.GetProperty("event").GetString())
            {
                case "acknowledged":
                    writes.Add(new ClientWrite(
                        entry.GetProperty("id").GetString()!,
                        entry.GetProperty("sha256").GetString()!,
                        new AcknowledgedWrite(
                            entry.GetProperty("cluster").GetString()!,
                            DateTimeOffset.Parse(entry.GetProperty("at").GetString()!, CultureInfo.InvariantCulture),
                            TimeSpan.FromMilliseconds(entry.GetProperty("monotonicMs").GetDouble()))));
                    break;
                case "failed" or "mismatched":
                    failed++;
                    break;
            }
        }

        return new ClientLog(writes.ToImmutable(), failed);
    }
}

/// <summary>A write that the app acknowledged.</summary>
internal sealed record ClientWrite(string Id, string Sha256, AcknowledgedWrite Acknowledged);
