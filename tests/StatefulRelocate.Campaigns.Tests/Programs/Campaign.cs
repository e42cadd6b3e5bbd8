namespace StatefulRelocate.Campaigns.Tests.Programs;

/// <summary>How long a campaign goes on, and by which chance.</summary>
internal static class Campaign
{
    /// <summary>Whether the long forms were asked for: <c>./test --long</c>.</summary>
    public static bool Long => Environment.GetEnvironmentVariable("RELOCATE_TEST_LONG") == "1";

    /// <summary>The short form's number, or the long one's.</summary>
    public static int Times(int brief, int extended) => Long ? extended : brief;

    /// <summary>Chance that can be repeated: the seed of <c>RELOCATE_TEST_SEED</c>, else a fixed one in the short form and another each time in the long one. It is printed.</summary>
    public static Random Seeded(string what, int fixedSeed) => new(Seed(what, fixedSeed));

    public static int Seed(string what, int fixedSeed)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RELOCATE_TEST_SEED"), out var given) ? given : Long ? Environment.TickCount & 0xFFFFFF : fixedSeed;
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: seed {seed}; repeat with RELOCATE_TEST_SEED={seed}");
        return seed;
    }
}
