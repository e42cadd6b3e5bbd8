using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Amazon.RuntimeDependencies;
using Amazon.S3;
using Amazon.SecurityToken;
using StatefulRelocate.Core.Repositories;
using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores.S3;

/// <summary>Clients of the AWS SDK: credentials, region and addresses as it finds them; retries, limits and connections are ours.</summary>
internal static class S3Clients
{
    public static AmazonS3Client Create(S3Repository repository, HttpClient http)
    {
        // Web identity and roles need the token service, which a native program cannot look up by name.
        GlobalRuntimeDependencyRegistry.Instance.RegisterSecurityTokenServiceClient(context => TokenService(context.SecurityTokenServiceClientContextData, repository.Profile));
        try
        {
            var config = new AmazonS3Config
            {
                // A lost answer must not be hidden by a silent second attempt: a conditional put is settled by a look first.
                MaxErrorRetry = 0,
                RetryMode = RequestRetryMode.Standard,
                DisableClockSkewCorrection = true,
                HttpClientFactory = new OneClient(http),
                Timeout = System.Threading.Timeout.InfiniteTimeSpan,
                // Checksums are put on each upload by ourselves; servers that know no trailing ones take those.
                RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
                ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            };
            if (repository.Profile is { } profile)
                config.Profile = new Profile(profile);
            if (repository.Endpoint is { } endpoint)
            {
                config.ServiceURL = endpoint.AbsoluteUri;
                config.AuthenticationRegion = repository.Region ?? Environment.GetEnvironmentVariable("AWS_REGION") ?? "us-east-1";
                config.ForcePathStyle = repository.PathStyle ?? true;
            }
            else
            {
                if (repository.Region is { } region)
                    config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
                config.ForcePathStyle = repository.PathStyle ?? false;
                if (config.RegionEndpoint is null && config.ServiceURL is null)
                    throw new ObjectStoreException($"{repository}: the region is not known; set region=… in the URL, or AWS_REGION");
            }

            return new AmazonS3Client(config);
        }
        catch (AmazonClientException error)
        {
            throw S3Failures.Tell(error, repository, "open it", "", writable: false).Told;
        }
    }

    private static AmazonSecurityTokenServiceClient TokenService(SecurityTokenServiceClientContext context, string? profile)
    {
        AWSCredentials credentials = new AnonymousAWSCredentials();
        if (context.Action == SecurityTokenServiceClientContext.ActionContext.AssumeRoleAWSCredentials)
        {
            // A role is asked for with the credentials of the profile's source.
            var profiles = new CredentialProfileStoreChain();
            var source = profiles.TryGetProfile(profile ?? Environment.GetEnvironmentVariable("AWS_PROFILE") ?? "default", out var found) ? found.Options.SourceProfile : null;
            if (source is null || !profiles.TryGetAWSCredentials(source, out credentials))
                credentials = DefaultAWSCredentialsIdentityResolver.GetCredentials();
        }

        return new AmazonSecurityTokenServiceClient(credentials, context.Region ?? RegionEndpoint.USEast1);
    }

    private sealed class OneClient(HttpClient http) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => http;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
