using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Cli.Repositories;

/// <summary>Where a key comes from: a file, a passphrase in a file, a command that prints either, or an environment variable.</summary>
internal sealed class KeyOptions
{
    private readonly string _prefix;
    private readonly string _variable;
    private readonly Option<string?> _keyFile;
    private readonly Option<string?> _keyCommand;
    private readonly Option<string?> _passphraseFile;
    private readonly Option<string?> _passphraseCommand;

    /// <param name="command">Gets the options.</param>
    /// <param name="prefix">Before each option's name: empty, or <c>new-</c>.</param>
    /// <param name="variable">The environment variable with a passphrase, used without any of the options.</param>
    public KeyOptions(Command command, string prefix, string variable)
    {
        (_prefix, _variable) = (prefix, variable);
        _keyFile = new($"--{prefix}key-file") { Description = "A file with the key: 64 hex digits.", HelpName = "FILE" };
        _keyCommand = new($"--{prefix}key-command") { Description = "A command, run by sh, that prints the key: 64 hex digits.", HelpName = "COMMAND" };
        _passphraseFile = new($"--{prefix}passphrase-file") { Description = "A file whose first line is the passphrase.", HelpName = "FILE" };
        _passphraseCommand = new($"--{prefix}passphrase-command") { Description = $"A command, run by sh, that prints the passphrase. Without any of the four: ${variable}.", HelpName = "COMMAND" };
        foreach (var option in new[] { _keyFile, _keyCommand, _passphraseFile, _passphraseCommand })
            command.Options.Add(option);
    }

    /// <summary>The key file that was named, or null.</summary>
    public string? KeyFile(ParseResult parse) => parse.GetValue(_keyFile);

    public async Task<RepositoryKey> ReadAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (keyFile, keyCommand, file, command) = (parse.GetValue(_keyFile), parse.GetValue(_keyCommand), parse.GetValue(_passphraseFile), parse.GetValue(_passphraseCommand));
        if (new[] { keyFile, keyCommand, file, command }.Count(v => v is not null) > 1)
            throw new RelocateException($"--{_prefix}key-file, --{_prefix}key-command, --{_prefix}passphrase-file and --{_prefix}passphrase-command exclude each other");
        if (keyFile is not null)
            return RepositoryKey.FromKeyFile(keyFile);
        if (keyCommand is not null)
            return RepositoryKey.FromKeyText(await PrintedByAsync($"--{_prefix}key-command", keyCommand, cancellationToken), $"what --{_prefix}key-command printed");
        if (file is not null)
            return RepositoryKey.FromPassphrase(FirstLine(file));
        if (command is not null)
            return RepositoryKey.FromPassphrase(await PrintedByAsync($"--{_prefix}passphrase-command", command, cancellationToken));
        return RepositoryKey.FromPassphrase(Environment.GetEnvironmentVariable(_variable) is { Length: > 0 } passphrase ? passphrase
            : throw new RelocateException($"no {(_prefix.Length == 0 ? "key for the repository" : "new key")}: set {_variable}, or name --{_prefix}key-file, --{_prefix}key-command, --{_prefix}passphrase-file or --{_prefix}passphrase-command"));
    }

    private static string FirstLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault("");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RelocateException($"{path}: cannot read the passphrase: {error.Message}", inner: error);
        }
    }

    /// <summary>The first line; the command's standard error is the user's, what it prints is never shown.</summary>
    private static async Task<string> PrintedByAsync(string option, string command, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true })!;
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            var line = output.Split('\n')[0].TrimEnd('\r');
            if (process.ExitCode != 0)
                throw new RelocateException($"{option}: the command ended with exit code {process.ExitCode}");
            return line.Length > 0 ? line : throw new RelocateException($"{option}: the command printed nothing");
        }
        catch (Win32Exception error)
        {
            throw new RelocateException($"{option}: /bin/sh cannot be run: {error.Message}", inner: error);
        }
    }
}
