using Azure;
using Azure.Identity;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.ObjectStores.Requests;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.Azure;

/// <summary>What went wrong, in one line that says what to do, and whether it may pass.</summary>
internal static class AzureFailures
{
    private const string Credentials = "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY, or the machine's identity";

    public static RequestFailure Tell(Exception error, AzureBlobRepository repository, string action, string name)
    {
        var what = name.Length == 0 ? action : $"{action} '{name}'";
        if (error is RequestFailedException { Status: > 0 } answer)
            return TellAnswer(answer, repository, what);
        var (why, mayPass) = error switch
        {
            CredentialUnavailableException => ($"no Azure credentials were found; set one of {Credentials}", false),
            AuthenticationFailedException => ($"no Azure credentials were found, and this machine's identity gives none ({NetworkFailures.Short(error)}); set one of {Credentials}", false),
            _ => NetworkFailures.Tell(error, Place(repository), "") ?? ($"{error.GetType().Name}: {NetworkFailures.Short(error)}", false),
        };
        return new(new ObjectStoreException($"{repository}: cannot {what}: {why}", error), mayPass, Answered: false);
    }

    private static RequestFailure TellAnswer(RequestFailedException answer, AzureBlobRepository repository, string what)
    {
        var skewed = answer.Message.Contains("Request date header too old", StringComparison.OrdinalIgnoreCase)
            || answer.Message.Contains("not valid in the specified time frame", StringComparison.OrdinalIgnoreCase)
            || answer.Message.Contains("Lifetime validation failed", StringComparison.OrdinalIgnoreCase);
        var why = answer.ErrorCode switch
        {
            _ when skewed => "the signature is too old or not valid yet: renew the SAS token, or set this machine's clock right (NTP)",
            "AuthenticationFailed" or "InvalidAuthenticationInfo" or "NoAuthenticationInformation" => $"the credentials are not right for the account '{repository.Account}'; check {Credentials}",
            "AuthorizationFailure" or "AuthorizationPermissionMismatch" or "AuthorizationResourceTypeMismatch" or "AuthorizationServiceMismatch" or "AuthorizationProtocolMismatch" or "AuthorizationSourceIPMismatch" or "InsufficientAccountPermissions" =>
                $"access is denied; check {Credentials}, which must be allowed to read, write, list and delete blobs in '{repository.Container}' (the role Storage Blob Data Contributor)",
            "ContainerNotFound" => $"there is no container '{repository.Container}' in the account '{repository.Account}'; make it, or correct the URL",
            "ContainerBeingDeleted" => $"the container '{repository.Container}' is being deleted",
            "AccountIsDisabled" => $"the account '{repository.Account}' is disabled",
            "ResourceNotFound" or "AccountNotFound" => $"there is no account '{repository.Account}' at {Place(repository)}",
            _ when answer.Status == 403 => $"access is denied; check {Credentials}",
            _ => $"{answer.Status} {answer.ErrorCode}: {NetworkFailures.Short(answer)}",
        };
        var passing = answer.Status is 408 or 429 or 500 or 502 or 503 or 504 || answer.ErrorCode is "ServerBusy" or "OperationTimedOut" or "InternalError" or "Md5Mismatch";
        return new(new ObjectStoreException($"{repository}: cannot {what}: {why}", answer), passing, Answered: true);
    }

    private static string Place(AzureBlobRepository repository) => repository.Endpoint is { } endpoint ? endpoint.AbsoluteUri.TrimEnd('/') : $"{repository.Account}.blob.core.windows.net";
}
