using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Cli.Commands;

/// <summary>Where the repository is and what opens it, as every <c>repo</c> and <c>snapshot</c> command takes it.</summary>
internal sealed class RepositoryOptions
{
    private readonly Option<string> _url = new("--repo") { Description = "The repository: dir:PATH.", HelpName = "URL", Required = true };
    private readonly Option<string?> _keyFile = new("--key-file") { Description = "A file with the repository's key: 64 hex digits.", HelpName = "FILE" };
    private readonly Option<string?> _passphraseFile = new("--passphrase-file") { Description = "A file whose first line is the passphrase.", HelpName = "FILE" };
    private readonly Option<string?> _passphraseCommand = new("--passphrase-command") { Description = "A command, run by sh, that prints the passphrase. Without any of the three: $RELOCATE_PASSPHRASE.", HelpName = "COMMAND" };

    public RepositoryOptions(Command command)
    {
        command.Options.Add(_url);
        command.Options.Add(_keyFile);
        command.Options.Add(_passphraseFile);
        command.Options.Add(_passphraseCommand);
    }

    public IObjectStore Store(ParseResult parse) => ObjectStoreUrl.Open(parse.GetValue(_url)!);

    public async Task<Repository> OpenAsync(ParseResult parse, CancellationToken cancellationToken)
        => await Repository.OpenAsync(Store(parse), await KeyAsync(parse, cancellationToken), cancellationToken);

    public async Task<RepositoryKey> KeyAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (keyFile, file, command) = (parse.GetValue(_keyFile), parse.GetValue(_passphraseFile), parse.GetValue(_passphraseCommand));
        if (new[] { keyFile, file, command }.Count(v => v is not null) > 1)
            throw new RelocateException("--key-file, --passphrase-file and --passphrase-command exclude each other");
        if (keyFile is not null)
            return RepositoryKey.FromKeyFile(keyFile);
        if (file is not null)
            return RepositoryKey.FromPassphrase(FirstLine(file));
        if (command is not null)
            return RepositoryKey.FromPassphrase(await PrintedByAsync(command, cancellationToken));
        return RepositoryKey.FromPassphrase(Environment.GetEnvironmentVariable("RELOCATE_PASSPHRASE") is { Length: > 0 } passphrase ? passphrase
            : throw new RelocateException("nothing opens the repository: set RELOCATE_PASSPHRASE, or name --key-file, --passphrase-file or --passphrase-command"));
    }

    /// <summary>Where the journal of a directory lives: below the state directory, by repository and absolute path.</summary>
    public static string Journal(GlobalOptions globals, ParseResult parse, Repository repository, string directory)
        => Path.Combine(globals.StateDirectory(parse), "rounds", repository.Id, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..24]);

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

    private static async Task<string> PrintedByAsync(string command, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output.Split('\n')[0].TrimEnd('\r')
            : throw new RelocateException($"the passphrase command ended with exit code {process.ExitCode}");
    }
}
