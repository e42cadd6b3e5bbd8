using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>The HTTP client of a store: kept connections, a quick verdict on a server that is not there, certificates of one's own.</summary>
internal static class StoreHttp
{
    private static readonly TimeSpan Connect = TimeSpan.FromSeconds(5);

    /// <summary>How many ranges it is worth asking a server for at once: it is waited for longer than a disk.</summary>
    public static int ConcurrentReads => Math.Max(16, Environment.ProcessorCount * 2);

    /// <summary>Makes one; it has no time limit of its own, because each request brings one.</summary>
    /// <param name="ca">A PEM file with the certificates that are trusted instead of the system's.</param>
    /// <exception cref="RelocateException">The file cannot be read or holds no certificate.</exception>
    public static SocketsHttpHandler Handler(string? ca)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = Connect,
            MaxConnectionsPerServer = 64,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(50),
            // A name that moves to another address is followed by a long-lived agent.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            UseCookies = false,
        };
        if (ca is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(Certificates(ca));
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }

        return handler;
    }

    /// <summary>A client that shows the date of answers.</summary>
    public static HttpClient Client(HttpMessageHandler handler) => new(new DateHandler(handler)) { Timeout = Timeout.InfiniteTimeSpan };

    private static X509Certificate2Collection Certificates(string path)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(path);
            return certificates.Count > 0 ? certificates : throw new RelocateException($"{path}: holds no certificate in PEM form; 'ca' names the file with those that sign the object store's");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new RelocateException($"{path}: the certificates for the object store cannot be read: {error.Message}", inner: error);
        }
    }
}

/// <summary>Hands the <c>Date</c> of an answer to whoever asks for it around a request: a client library need not show it.</summary>
internal sealed class DateHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly AsyncLocal<Answer?> s_wanted = new();

    /// <summary>Runs requests and tells the date of the last answer, if it had one.</summary>
    public static async Task<DateTimeOffset?> OfAsync(Func<Task> request)
    {
        var answer = new Answer();
        s_wanted.Value = answer;
        try
        {
            await request().ConfigureAwait(false);
        }
        finally
        {
            s_wanted.Value = null;
        }

        return answer.Date;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (s_wanted.Value is { } wanted)
            wanted.Date = response.Headers.Date;
        return response;
    }

    private sealed class Answer
    {
        public DateTimeOffset? Date { get; set; }
    }
}
