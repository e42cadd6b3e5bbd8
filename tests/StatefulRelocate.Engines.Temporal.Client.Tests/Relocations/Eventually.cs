using System.Diagnostics;

namespace StatefulRelocate.Engines.Temporal.Client.Tests.Relocations;

/// <summary>Waits for a condition; the limit only says when the test gives up.</summary>
internal static class Eventually
{
    public static async Task<T> SeesAsync<T>(Func<Task<T?>> look) where T : class
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await look() is { } seen)
                return seen;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "never seen within a minute");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
