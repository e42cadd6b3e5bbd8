using System.Diagnostics;
using System.Globalization;

namespace StatefulRelocate.EndToEnd.Tests.Postgres;

/// <summary>The PostgreSQL programs of this machine; not run by root, so by <c>nobody</c> there.</summary>
internal sealed class PostgresPrograms
{
    private PostgresPrograms(string directory) => Directory = directory;

    public string Directory { get; }

    /// <summary>The user that the server runs as, or null: the one that runs the tests.</summary>
    public static string? User => Environment.UserName == "root" ? "nobody" : null;

    public string Server => Path.Combine(Directory, "postgres");

    public string? Checker => Path.Combine(Directory, "pg_amcheck") is var file && File.Exists(file) ? file : null;

    /// <summary>Finds them: on the path, then where Debian puts them.</summary>
    public static PostgresPrograms? Find()
    {
        var places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').ToList();
        if (System.IO.Directory.Exists("/usr/lib/postgresql"))
        {
            places.AddRange(System.IO.Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(static version => int.TryParse(Path.GetFileName(version), CultureInfo.InvariantCulture, out var number) ? number : 0)
                .Select(static version => Path.Combine(version, "bin")));
        }

        foreach (var place in places)
        {
            var server = Path.Combine(place, "postgres");
            if (!File.Exists(server))
                continue;
            // Debian's links on the path name one program each; the others stand beside the real one.
            var real = File.ResolveLinkTarget(server, returnFinalTarget: true)?.FullName ?? server;
            if (File.Exists(Path.Combine(Path.GetDirectoryName(real)!, "initdb")))
                return new PostgresPrograms(Path.GetDirectoryName(real)!);
        }

        return null;
    }

    /// <summary>Makes a cluster of databases that only its own user on this machine may use, without a password.</summary>
    public async Task InitializeAsync(string directory)
    {
        System.IO.Directory.CreateDirectory(directory);
        if (User is { } user)
            await RunAsync(null, "chown", "-R", user, directory);
        // Sync off: the relocation's own rounds make durable what they copy.
        await RunAsync(User, Path.Combine(Directory, "initdb"), "-D", directory, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C");
    }

    public static async Task<string> RunAsync(string? user, params string[] command)
    {
        List<string> words = [.. command];
        if (user is not null)
            words.InsertRange(0, ["setpriv", $"--reuid={user}", $"--regid={Group(user)}", "--clear-groups"]);
        using var process = Process.Start(new ProcessStartInfo(words[0], words.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {await output}{await errors}");
        return await output;
    }

    private static string Group(string user) =>
        File.ReadLines("/etc/passwd").First(line => line.StartsWith($"{user}:", StringComparison.Ordinal)).Split(':')[3];
}
