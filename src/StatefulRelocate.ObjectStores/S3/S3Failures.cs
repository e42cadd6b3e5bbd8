using System.Net;
using Amazon.Runtime;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>What went wrong, in one line that says what to do, and whether it may pass.</summary>
internal static class S3Failures
{
    /// <summary>Tells it.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="repository">Where.</param>
    /// <param name="action">What was tried.</param>
    /// <param name="name">On which object; empty for none.</param>
    /// <param name="writable">Whether puts were taken before, so that a denial of one is no matter of credentials.</param>
    public static RequestFailure Tell(Exception error, S3Repository repository, string action, string name, bool writable)
    {
        var what = name.Length == 0 ? action : $"{action} '{name}'";
        if (error is AmazonServiceException { StatusCode: not 0 } answer)
            return TellAnswer(answer, repository, what, writable);
        var (why, mayPass) = NetworkFailures.Tell(error, Place(repository), repository.PathStyle is false ? ", or set path-style=true" : "")
            ?? (error is AmazonClientException ? TellClient(error, repository) : $"{error.GetType().Name}: {NetworkFailures.Short(error)}", false);
        return new(new ObjectStoreException($"{repository}: cannot {what}: {why}", error), mayPass, Answered: false);
    }

    /// <summary>Whether a refusal is one whose cause only an answer with a body tells: that to a HEAD has none.</summary>
    public static bool NeedsBody(Exception error)
        => error is AmazonServiceException { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.BadRequest or HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect or HttpStatusCode.NotFound };

    private static RequestFailure TellAnswer(AmazonServiceException answer, S3Repository repository, string what, bool writable)
    {
        var status = (int)answer.StatusCode;
        var why = answer.ErrorCode switch
        {
            "InvalidAccessKeyId" => $"the access key is not known at {Place(repository)}; check {Credentials(repository)}",
            "SignatureDoesNotMatch" => $"the secret key does not fit the access key; check {Credentials(repository)}",
            "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired" => $"the session token is expired or not known at {Place(repository)}; renew {Credentials(repository)}",
            "AccessDenied" or "Forbidden" or "AllAccessDisabled" or "AccountProblem" =>
                $"access is denied; let {Credentials(repository)} read, write, list and delete in bucket '{repository.Bucket}'",
            "NoSuchBucket" => $"there is no bucket '{repository.Bucket}' at {Place(repository)}; make it, or correct the URL",
            "InvalidBucketName" => $"'{repository.Bucket}' is no bucket name to {Place(repository)}; correct the URL",
            "PermanentRedirect" or "TemporaryRedirect" or "Redirect" or "301" or "307" or "MovedPermanently" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" or "InvalidRegion" =>
                $"the region is wrong{Region(answer)}; set region=… in the URL",
            "RequestTimeTooSkewed" => "this machine's clock is more than 15 minutes off the store's; set it right (NTP)",
            "RequestExpired" => "the request was too long under way, or this machine's clock is wrong; set it right (NTP)",
            "QuotaExceeded" or "XMinioStorageFull" or "InsufficientStorage" => "the store is full",
            _ => $"{status} {answer.ErrorCode}: {NetworkFailures.Short(answer)}",
        };
        var passing = status is 408 or 429 or 500 or 502 or 503 or 504 || answer.ErrorCode is "RequestTimeout" or "SlowDown" or "ConditionalRequestConflict" or "OperationAborted" or "BadDigest" or "IncompleteBody";
        // MinIO denies a put whose folder is removed at that moment, because its last object was deleted.
        passing |= writable && answer.ErrorCode == "AccessDenied";
        return new(new ObjectStoreException($"{repository}: cannot {what}: {why}", answer), passing, Answered: true);
    }

    private static string TellClient(Exception error, S3Repository repository)
        => repository.Profile is { } profile && error.Message.Contains(profile, StringComparison.Ordinal) ? $"the AWS profile '{profile}' gives no credentials: {NetworkFailures.Short(error)}"
            : error.Message.Contains("redential", StringComparison.Ordinal) || error.Message.Contains("IAM", StringComparison.Ordinal) || error.Message.Contains("metadata", StringComparison.OrdinalIgnoreCase)
                ? "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with profile=… in the URL, or give this machine a role"
            : NetworkFailures.Short(error);

    private static string Credentials(S3Repository repository) => repository.Profile is { } profile ? $"the credentials of AWS profile '{profile}'" : "the AWS credentials (AWS_ACCESS_KEY_ID, a profile, or the machine's role)";

    private static string Place(S3Repository repository) => repository.Endpoint is { } endpoint ? endpoint.AbsoluteUri.TrimEnd('/') : "Amazon S3";

    private static string Region(AmazonServiceException answer)
    {
        const string expecting = "expecting '";
        var at = answer.Message.IndexOf(expecting, StringComparison.Ordinal);
        var region = at >= 0 && answer.Message.IndexOf('\'', at + expecting.Length) is > 0 and var end ? answer.Message[(at + expecting.Length)..end] : null;
        return region is null ? "" : $": the bucket is in '{region}'";
    }
}
