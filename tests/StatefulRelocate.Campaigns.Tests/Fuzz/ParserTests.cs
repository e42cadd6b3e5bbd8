using System.Collections.Immutable;
using StatefulRelocate.Campaigns.Tests.Programs;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Packs;
using StatefulRelocate.Snapshots.Streaming;

namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>The parsers behind the seal, given random and damaged bytes directly: many more than a whole repository can be read with.</summary>
[Collection(typeof(FuzzCollection))]
public sealed class ParserTests
{
    private const int BatchSize = 2_000;
    private static readonly KeyRing s_keys = new([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    [Fact]
    public async Task A_table_of_a_pack_parses_or_is_refused()
        => await FuzzAsync("table of a pack", Bytes(Table().Write), content =>
        {
            using var reader = new BinaryReader(new MemoryStream(content));
            _ = PackTable.Read(reader, "packs/x");
        });

    [Fact]
    public async Task An_announcement_parses_or_is_refused()
    {
        var name = Announcement.Name("s-1", 0);
        var announcement = new Announcement([Table()], [new FileRun(new EntryKey(0, "a/b"), 100_000, 2, [1, 2, 3]), new FileRun(new EntryKey(1, "c"), 10, 0, [7])]);
        await FuzzAsync("announcement", s_keys.Open(Announcement.Purpose, name, announcement.Seal(s_keys, name)), content => Announcement.Open(s_keys, name, s_keys.Seal(Announcement.Purpose, name, content)));
    }

    [Fact]
    public async Task An_entry_parses_or_is_refused()
    {
        var entry = new TreeEntry { Volume = 0, Path = "a/b", Type = EntryType.File, Mode = 0x1A4, Size = 100_000, Attributes = [new ExtendedAttribute("user.a", [1, 2, 3])] };
        // Its caller tells a record that is cut off; here that is the same refusal.
        await FuzzAsync("entry", Bytes(writer => EntryCodec.WriteIdentity(writer, entry)), content =>
        {
            using var reader = new BinaryReader(new MemoryStream(content));
            try
            {
                _ = EntryCodec.ReadIdentity(reader, "maps/x");
            }
            catch (Exception error) when (error is EndOfStreamException or FormatException)
            {
                throw new DamageException("maps/x", "cut off", error);
            }
        });
    }

    [Fact]
    public async Task A_sealed_object_opens_or_is_refused()
        => await FuzzAsync("sealed object", s_keys.Seal("sealed", "apps/web/r-1", "content"u8), content => s_keys.Open("sealed", "apps/web/r-1", content));

    private static async Task FuzzAsync(string what, byte[] valid, Action<byte[]> parse)
    {
        var random = Campaign.Seeded(what, 4400);
        parse(valid);
        var failed = ImmutableArray<string>.Empty;
        for (var batch = 0; batch < Campaign.Times(1, 100) && failed.IsEmpty; batch++)
        {
            // The limit of time is that of a batch: on a busy machine all of them together take as long as they like.
            var failure = await Watched.RunAsync(() =>
            {
                for (var round = 0; round < BatchSize && failed.Length < 5; round++)
                    Try();
                return Task.CompletedTask;
            });
            Assert.True(failed.IsEmpty, string.Join("\n\n", failed));
            Assert.True(failure is null || failure.Contains("were allocated", StringComparison.Ordinal), failure);
        }

        void Try()
        {
            var (content, how) = Mutation.Of(valid, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                parse(content);
            }
            catch (Exception error) when (Watched.IsClear(error))
            {
                // Refused.
            }
            catch (Exception error)
            {
                failed = failed.Add($"{how}: {error}");
            }

            if (GC.GetAllocatedBytesForCurrentThread() - before is > 64 << 20 and var allocated)
                failed = failed.Add($"{how}: {allocated >> 20} MiB allocated for {content.Length} bytes");
        }
    }

    private static PackTable Table() => new("packs/00112233445566778899aabbccddeeff", 5000, [new PackSegment(20, 2000, 16_384, true, [1, 2], [8192, 8192]), new PackSegment(2020, 1000, 984, false, [3], [984])]);

    private static byte[] Bytes(Action<BinaryWriter> write)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        write(writer);
        writer.Flush();
        return memory.ToArray();
    }
}
