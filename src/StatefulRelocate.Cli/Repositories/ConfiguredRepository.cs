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
            if (!config.KeyCommand.IsDefaultOrEmpty)
                return RepositoryKey.FromKeyText(await PrintedByAsync("keyCommand", name, config.KeyCommand, cancellationToken), $"repository '{name}': what its keyCommand printed");
            if (!config.PassphraseCommand.IsDefaultOrEmpty)
                return RepositoryKey.FromPassphrase(await PrintedByAsync("passphraseCommand", name, config.PassphraseCommand, cancellationToken));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new RelocateException($"repository '{name}': its key cannot be read: {error.Message}", inner: error);
        }

        return Environment.GetEnvironmentVariable("RELOCATE_PASSPHRASE") is { Length: > 0 } passphrase
            ? RepositoryKey.FromPassphrase(passphrase)
            : throw new RelocateException($"repository '{name}': no key; set 'keyFile', 'keyCommand', 'passphraseFile' or 'passphraseCommand' in the configuration, or RELOCATE_PASSPHRASE");
    }

    /// <summary>The first line that a command prints. It is never shown, nor are the command's arguments.</summary>
    private static async Task<string> PrintedByAsync(string field, string name, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true })!;
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                throw new RelocateException($"repository '{name}': its {field} '{command[0]}' ended with exit code {process.ExitCode}; run it by hand to see why");
            var line = output.Split('\n')[0].TrimEnd('\r');
            return line.Length > 0 ? line : throw new RelocateException($"repository '{name}': its {field} '{command[0]}' printed nothing on its first line; it has to print the secret there");
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new RelocateException($"repository '{name}': its {field} '{command[0]}' cannot be run: {error.Message}", inner: error);
        }
    }
}
