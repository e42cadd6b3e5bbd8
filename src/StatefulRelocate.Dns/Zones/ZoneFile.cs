using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using StatefulRelocate.Core.Dns;

namespace StatefulRelocate.Dns.Zones;

/// <summary>The zones on disk: one JSON file, replaced as a whole.</summary>
internal sealed class ZoneFile(string directory)
{
    private const int FormatVersion = 1;
    private readonly string path = Path.Combine(directory, "zones.json");

    /// <summary>The zones; none when there is no file yet.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or of a later version.</exception>
    public ImmutableArray<Zone> Load()
    {
        ZonesDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(File.ReadAllBytes(path), ZoneFileJson.Default.ZonesDocument);
        }
        catch (FileNotFoundException)
        {
            return [];
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path}: damaged: {error.Message}", error);
        }

        if (document is not { Version: FormatVersion })
            throw new InvalidDataException($"{path}: format version {document?.Version} is unknown to this program");
        return [.. document.Zones.Select(zone => new Zone
        {
            Name = zone.Name,
            Serial = zone.Serial,
            Sets = zone.Sets.ToImmutableSortedDictionary(
                set => new RecordKey(set.Name, set.Type),
                set => RecordData.Canonical(new DnsRecordSet { Name = set.Name, Type = set.Type, Ttl = TimeSpan.FromSeconds(set.Ttl), Records = [.. set.Data] })),
        })];
    }

    /// <summary>Replaces the file; when it returns, the zones survive a power cut.</summary>
    /// <exception cref="UnclearZoneChangeException">The file was replaced, but the disk does not say that this will last.</exception>
    public void Save(IEnumerable<Zone> zones)
    {
        var document = new ZonesDocument(FormatVersion, [.. zones.Select(zone => new ZoneDocument(
            zone.Name,
            zone.Serial,
            [.. zone.Sets.Values.Select(set => new SetDocument(set.Name, set.Type, (long)set.Ttl.TotalSeconds, [.. set.Records]))]))]);
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            JsonSerializer.Serialize(file, document, ZoneFileJson.Default.ZonesDocument);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        DirectorySync.Flush(directory);
    }
}

/// <summary>A change may or may not outlive a power cut; nobody may be told either.</summary>
internal sealed class UnclearZoneChangeException(string message) : Exception(message);

/// <summary>Makes a rename durable: a directory is flushed like a file, which the runtime offers no way to.</summary>
internal static partial class DirectorySync
{
    private const int ReadOnlyDirectory = 0x10000; // O_DIRECTORY

    public static void Flush(string directory)
    {
        var descriptor = Open(directory, ReadOnlyDirectory);
        if (descriptor < 0)
            throw new UnclearZoneChangeException($"{directory}: cannot be opened to flush it: {Marshal.GetLastPInvokeErrorMessage()}");
        var result = FSync(descriptor);
        var error = Marshal.GetLastPInvokeErrorMessage();
        _ = Close(descriptor);
        if (result != 0)
            throw new UnclearZoneChangeException($"{directory}: cannot be flushed: {error}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

internal sealed record ZonesDocument(int Version, ImmutableArray<ZoneDocument> Zones);

internal sealed record ZoneDocument(string Name, uint Serial, ImmutableArray<SetDocument> Sets);

internal sealed record SetDocument(string Name, string Type, long Ttl, ImmutableArray<string> Data);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ZonesDocument))]
internal sealed partial class ZoneFileJson : JsonSerializerContext;
