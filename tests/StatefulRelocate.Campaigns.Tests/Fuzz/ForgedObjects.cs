using StatefulRelocate.Snapshots;
using ZstdNet;

namespace StatefulRelocate.Campaigns.Tests.Fuzz;

/// <summary>Opens sealed objects and seals others in their place, as somebody who has the key could.</summary>
internal static class ForgedObjects
{
    private static readonly Dictionary<string, string> s_purposes = new(StringComparer.Ordinal)
    {
        ["index"] = "index",
        ["maps"] = "map",
        ["snapshots"] = "snapshot",
        ["streams"] = "stream",
        ["leases"] = "lease",
        ["prune"] = "prune",
        ["writers"] = "writer",
        ["apps"] = "sealed",
    };

    /// <summary>Another object of that name, whose content was damaged before it was sealed; null where objects of that kind are not sealed as a whole.</summary>
    public static (byte[] Content, string What)? Forge(Repository repository, string name, byte[] stored, Random random)
    {
        if (!s_purposes.TryGetValue(name.Split('/')[0], out var purpose))
            return null;
        var plain = repository.Keys.Open(purpose, name, stored);
        if (purpose == "map")
        {
            using var decompressor = new Decompressor();
            plain = decompressor.Unwrap(plain);
        }

        var (content, what) = Mutation.Of(plain, random);
        if (purpose == "map" && random.Next(8) != 0)
        {
            using var compressor = new Compressor(new CompressionOptions(1));
            content = compressor.Wrap(content);
        }

        return (repository.Keys.Seal(purpose, name, content), $"sealed again after {what}");
    }
}
