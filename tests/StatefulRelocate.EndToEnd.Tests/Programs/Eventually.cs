using System.Diagnostics;

namespace StatefulRelocate.EndToEnd.Tests.Programs;

/// <summary>Waits for a condition; the limit only says when the test gives up.</summary>
internal static class Eventually
{
    public static async Task<T> SeesAsync<T>(string what, Func<Task<T?>> look, TimeSpan limit) where T : class
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await look() is { } seen)
                return seen;
            if (Stopwatch.GetElapsedTime(began) > limit)
                Assert.Fail($"never saw {what} within {limit.TotalSeconds:0} s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task IsTrueAsync(string what, Func<Task<bool>> look, TimeSpan limit) =>
        SeesAsync(what, async () => await look() ? "yes" : null, limit);

    public static Task IsTrueAsync(string what, Func<bool> look, TimeSpan limit) => IsTrueAsync(what, () => Task.FromResult(look()), limit);
}
