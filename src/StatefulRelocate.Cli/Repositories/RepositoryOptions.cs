using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores;
using StatefulRelocate.Snapshots;
using StatefulRelocate.Snapshots.Keys;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.Cli.Repositories;

/// <summary>Where the repository is and what opens it, as every <c>repo</c> and <c>snapshot</c> command takes it.</summary>
internal sealed class RepositoryOptions
{
    private readonly Option<string?> _url = new("--repo") { Description = $"The repository: {RepositoryUrl.Forms} (docs/object-stores.md). Default: $RELOCATE_REPO.", HelpName = "URL" };
    private readonly KeyOptions _key;

    public RepositoryOptions(Command command)
    {
        _url.CompletionSources.Add("dir:", "s3://", "azblob://");
        command.Options.Add(_url);
        _key = new KeyOptions(command, "", "RELOCATE_PASSPHRASE");
    }

    public IObjectStore Store(ParseResult parse)
        => ObjectStoreUrl.Open(parse.GetValue(_url) ?? (Environment.GetEnvironmentVariable("RELOCATE_REPO") is { Length: > 0 } url ? url
            : throw new RelocateException("no repository: name one with --repo, or set RELOCATE_REPO")));

    public async Task<Repository> OpenAsync(ParseResult parse, CancellationToken cancellationToken)
        => await Repository.OpenAsync(Store(parse), await KeyAsync(parse, cancellationToken), cancellationToken);

    public Task<RepositoryKey> KeyAsync(ParseResult parse, CancellationToken cancellationToken) => _key.ReadAsync(parse, cancellationToken);

    /// <summary>Where the journal of a directory lives: below the state directory, by repository and absolute path.</summary>
    public static string Journal(GlobalOptions globals, ParseResult parse, Repository repository, string directory)
        => Path.Combine(globals.StateDirectory(parse), "rounds", repository.Id, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..24]);
}
