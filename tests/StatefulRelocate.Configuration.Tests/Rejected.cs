using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Configuration.Tests;

/// <summary>Loads a file that must be refused, and looks at the message as a user sees it, with the path left out.</summary>
internal static class Rejected
{
    public const string AppHeader = "apiVersion: relocate/v1alpha1\nkind: App\n";
    public const string ConfigHeader = "apiVersion: relocate/v1alpha1\nkind: Config\n";
    public const string RelocationHeader = "apiVersion: relocate/v1alpha1\nkind: Relocation\n";

    public static string App(string body) => Whole(AppHeader + body, path => AppFile.Load(path));

    public static string Config(string body) => Whole(ConfigHeader + body, path => ConfigFile.Load(path, named: true));

    public static string Relocation(string body, RelocateConfig? config = null)
        => Whole(RelocationHeader + body, path => RelocationFile.Load(path, config));

    public static string Whole(string text, Action<string> load)
    {
        using var file = new TemporaryFile(text);
        return Message(file.Path, load);
    }

    public static string Message(string path, Action<string> load)
    {
        var error = Assert.Throws<RelocateException>(() => load(path));
        Assert.Equal(ExitCode.BadInput, error.ExitCode);
        Assert.DoesNotContain('\n', error.Message);
        Assert.StartsWith(path + ":", error.Message, StringComparison.Ordinal);
        return error.Message[(path.Length + 1)..];
    }
}
