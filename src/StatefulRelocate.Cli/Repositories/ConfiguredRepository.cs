using System.Diagnostics;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Keys;

namespace StatefulRelocate.Cli.Repositories;

/// <summary>Opens a repository of the configuration: its store by URL, its key from where the configuration points.</summary>
internal static class ConfiguredRepository
{
    public static async Task<Repository> OpenAsync(string name, RepositoryConfig config, CancellationToken cancellationToken) =>
        await Repository.OpenAsync(ObjectStoreUrl.Open(config.Url), await ReadKeyAsync(name, config, cancellationToken), cancellationToken);

    /// <summary>The repository of that name.</summary>
    /// <exception cref="RelocateException">It is not declared.</exception>
    public static Task<Repository> OpenAsync(string name, RelocateConfig config, CancellationToken cancellationToken) =>
        config.Repositories.TryGetValue(name, out var repository)
            ? OpenAsync(name, repository, cancellationToken)
            : throw new RelocateException($"{config.Path}: repository '{name}' is not declared; there are: {(config.Repositories.IsEmpty ? "none" : string.Join(", ", config.Repositories.Keys))}");

    private static async Task<RepositoryKey> ReadKeyAsync(string name, RepositoryConfig config, CancellationToken cancellationToken)
    {
        try
        {
            if (config.KeyFile is { } keyFile)
                return RepositoryKey.FromKeyFile(keyFile);
            if (config.PassphraseFile is { } passphraseFile)
                return RepositoryKey.FromPassphrase((await File.ReadAllLinesAsync(passphraseFile, cancellationToken)).FirstOrDefault() ?? "");
            if (!config.PassphraseCommand.IsDefaultOrEmpty)
                return RepositoryKey.FromPassphrase(await RunAsync(name, config.PassphraseCommand, cancellationToken));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new RelocateException($"repository '{name}': its key cannot be read: {error.Message}", inner: error);
        }

        return Environment.GetEnvironmentVariable("RELOCATE_PASSPHRASE") is { Length: > 0 } passphrase
            ? RepositoryKey.FromPassphrase(passphrase)
            : throw new RelocateException($"repository '{name}': no key; set 'keyFile', 'passphraseFile' or 'passphraseCommand' in the configuration, or RELOCATE_PASSPHRASE");
    }

    private static async Task<string> RunAsync(string name, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true })!;
            var line = await process.StandardOutput.ReadLineAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 && line is { Length: > 0 }
                ? line
                : throw new RelocateException($"repository '{name}': the passphrase command '{command[0]}' ended with {process.ExitCode} and {(line is { Length: > 0 } ? "a line" : "no passphrase")}");
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new RelocateException($"repository '{name}': the passphrase command '{command[0]}' cannot be run: {error.Message}", inner: error);
        }
    }
}
