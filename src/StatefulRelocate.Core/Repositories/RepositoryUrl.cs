using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Core.Repositories;

/// <summary>
/// Names the place of a repository: <c>dir:PATH</c>, <c>s3://BUCKET/PREFIX?endpoint=…</c> or <c>azblob://ACCOUNT/CONTAINER/PREFIX?endpoint=…</c>.
/// It never carries a credential, so it can be shown, logged and stored.
/// </summary>
public abstract record RepositoryUrl
{
    /// <summary>What is said where a URL is wanted.</summary>
    public const string Forms = "dir:PATH, s3://BUCKET/PREFIX or azblob://ACCOUNT/CONTAINER/PREFIX";

    private protected RepositoryUrl()
    {
    }

    /// <summary>Reads a URL.</summary>
    /// <exception cref="RelocateException">It is none; the message says why and does not repeat what may be a secret.</exception>
    public static RepositoryUrl Parse(string text)
    {
        if (text.StartsWith("dir:", StringComparison.Ordinal))
        {
            return text.Length > 4 && !text.Contains('\0', StringComparison.Ordinal)
                ? new DirectoryRepository(text[4..])
                : throw new RelocateException($"'{text.Replace("\0", "\\0", StringComparison.Ordinal)}' names no directory; write dir:PATH, such as dir:/srv/repository");
        }

        if (text.StartsWith("s3://", StringComparison.Ordinal))
            return S3Repository.Read(new UrlParts(text, "s3://"));
        if (text.StartsWith("azblob://", StringComparison.Ordinal))
            return AzureBlobRepository.Read(new UrlParts(text, "azblob://"));
        throw new RelocateException($"'{(text.Contains('@', StringComparison.Ordinal) ? "…" : text)}' is no repository URL; use {Forms}");
    }

    /// <summary>The same place with its relative paths (of a directory or a certificate) made absolute.</summary>
    /// <param name="resolve">Gives the absolute path of a relative one.</param>
    public abstract RepositoryUrl WithPaths(Func<string, string> resolve);

    /// <summary>The URL, as it can be read again.</summary>
    public sealed override string ToString() => Write();

    private protected abstract string Write();
}

/// <summary>Objects as files below a directory.</summary>
/// <param name="Path">The directory; it need not exist yet.</param>
public sealed record DirectoryRepository(string Path) : RepositoryUrl
{
    /// <inheritdoc />
    public override RepositoryUrl WithPaths(Func<string, string> resolve) => new DirectoryRepository(resolve(Path));

    private protected override string Write() => "dir:" + Path;
}

/// <summary>Objects in a bucket of Amazon S3 or of a server that speaks its protocol.</summary>
public sealed record S3Repository : RepositoryUrl
{
    /// <summary>The bucket, which exists already.</summary>
    public required string Bucket { get; init; }

    /// <summary>Before each object's name; empty or without a slash at either end.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The server, such as <c>https://minio.example:9000</c>; null for Amazon's own of the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region; null for what the environment or the profile says.</summary>
    public string? Region { get; init; }

    /// <summary>Whether the bucket stands in the path rather than the host name; null for: with an endpoint of one's own yes, else no.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>The profile in the shared AWS configuration that holds the credentials; null for the usual search.</summary>
    public string? Profile { get; init; }

    /// <summary>A PEM file with the certificates that are trusted instead of the system's; null for the system's.</summary>
    public string? Ca { get; init; }

    /// <inheritdoc />
    public override RepositoryUrl WithPaths(Func<string, string> resolve) => this with { Ca = Ca is null ? null : resolve(Ca) };

    internal static S3Repository Read(UrlParts parts)
    {
        var (bucket, prefix) = parts.Split("s3://BUCKET/PREFIX", "a bucket", 3, 63, ".-");
        var repository = new S3Repository
        {
            Bucket = bucket,
            Prefix = parts.CheckPrefix(prefix),
            Endpoint = parts.TakeEndpoint(),
            Region = parts.TakeWord("region"),
            PathStyle = parts.TakeFlag("path-style"),
            Profile = parts.Take("profile"),
            Ca = parts.Take("ca"),
        };
        parts.RequireAllTaken("endpoint, region, path-style, profile, ca", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or what the machine is given");
        return repository;
    }

    private protected override string Write() => UrlParts.Write(
        $"s3://{Bucket}{(Prefix.Length == 0 ? "" : "/" + Prefix)}",
        ("endpoint", UrlParts.Show(Endpoint)), ("region", Region), ("path-style", PathStyle is { } style ? (style ? "true" : "false") : null), ("profile", Profile), ("ca", Ca));
}

/// <summary>Objects in a container of Azure Blob Storage.</summary>
public sealed record AzureBlobRepository : RepositoryUrl
{
    /// <summary>The storage account.</summary>
    public required string Account { get; init; }

    /// <summary>The container, which exists already.</summary>
    public required string Container { get; init; }

    /// <summary>Before each object's name; empty or without a slash at either end.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The blob service, such as <c>http://127.0.0.1:10000/devstoreaccount1</c>; null for the account's own at Azure.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>A PEM file with the certificates that are trusted instead of the system's; null for the system's.</summary>
    public string? Ca { get; init; }

    /// <inheritdoc />
    public override RepositoryUrl WithPaths(Func<string, string> resolve) => this with { Ca = Ca is null ? null : resolve(Ca) };

    internal static AzureBlobRepository Read(UrlParts parts)
    {
        const string form = "azblob://ACCOUNT/CONTAINER/PREFIX";
        var (account, rest) = parts.Split(form, "an account", 3, 24, "");
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var container = slash < 0 ? rest : rest[..slash];
        parts.CheckWord(form, "a container", container, 3, 63, "-");
        var repository = new AzureBlobRepository
        {
            Account = account,
            Container = container,
            Prefix = parts.CheckPrefix(slash < 0 ? "" : rest[(slash + 1)..]),
            Endpoint = parts.TakeEndpoint(),
            Ca = parts.Take("ca"),
        };
        parts.RequireAllTaken("endpoint, ca", "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY, or the machine's managed identity");
        return repository;
    }

    private protected override string Write() => UrlParts.Write(
        $"azblob://{Account}/{Container}{(Prefix.Length == 0 ? "" : "/" + Prefix)}", ("endpoint", UrlParts.Show(Endpoint)), ("ca", Ca));
}
