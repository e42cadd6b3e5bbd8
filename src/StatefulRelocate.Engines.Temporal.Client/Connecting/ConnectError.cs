using StatefulRelocate.Core.Errors;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Client.Connecting;

/// <summary>Says what hinders a connection. The SDK tells it as the text of its native part, whose words for one cause do not change between servers.</summary>
internal static class ConnectError
{
    /// <summary>Words in the SDK's text, what they mean and what to do; the first that fits counts.</summary>
    private static readonly (string Words, string Meaning)[] s_certificates =
    [
        ("Expired", "its certificate has expired; renew it on the server"),
        ("NotValidYet", "its certificate is not valid yet; look at the clocks of both machines"),
        ("UnknownIssuer", "its certificate is signed by nobody who is trusted here; name the authority's certificate with TEMPORAL_TLS_SERVER_CA_CERT_PATH"),
        ("CaUsedAsEndEntity", "its certificate is that of an authority and cannot be a server's; let the authority sign one for the server"),
        ("NotValidForName", "its certificate is for another name; connect by that name, or give it with TEMPORAL_TLS_SERVER_NAME"),
        ("Revoked", "its certificate was revoked; renew it on the server"),
        ("CertificateRequired", "it wants a client certificate; give one with TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH"),
        ("CertificateExpired", "it says that the client certificate has expired; renew it (TEMPORAL_TLS_CLIENT_CERT_PATH)"),
        ("UnknownCA", "it does not trust the authority of the client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)"),
        ("BadCertificate", "it refuses the client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)"),
    ];

    public static RelocateException Describe(ConnectionSettings settings, Exception error)
    {
        var text = error.Message;
        if (error is RpcException { Code: RpcException.StatusCode.Unauthenticated or RpcException.StatusCode.PermissionDenied } || Has("code: Unauthenticated") || Has("code: PermissionDenied"))
            return Wrong("it refuses the credentials; look at TEMPORAL_API_KEY and the client certificate");
        foreach (var (words, meaning) in s_certificates)
        {
            if (Has($"InvalidCertificate({words}") || Has($"AlertReceived({words}") || Has($"received fatal alert: {words}"))
                return Wrong(meaning);
        }

        if (Has("InvalidContentType") || Has("corrupt message"))
            return Wrong("it does not speak TLS; unset TEMPORAL_TLS and TEMPORAL_API_KEY, or set TEMPORAL_TLS=false");
        if (Has("code: Unimplemented"))
            return Wrong("what answers there is no Temporal server; look at TEMPORAL_ADDRESS");
        if (error is TimeoutException || Has("tcp connect error") || Has("dns error") || Has("tcp open error") || error is RpcException { Code: RpcException.StatusCode.Unavailable or RpcException.StatusCode.DeadlineExceeded })
            return Wrong("it cannot be reached: " + Cause());
        // A server that wants TLS, or a certificate, hangs up on one who has none, and so does one that is just going down.
        return Wrong($"it hung up: {Cause()}; {(settings.UsesTls ? "if it wants a client certificate, give one with TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH" : "if it wants TLS, set TEMPORAL_TLS=true")}");

        bool Has(string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);

        RelocateException Wrong(string what) => new($"Temporal server {settings.Address}: {what}", inner: error);

        string Cause() => error switch
        {
            TimeoutException => "nobody answers; is TEMPORAL_ADDRESS right, does a firewall stand between?",
            _ when Has("ConnectionRefused") => "nothing listens there; start it, or set TEMPORAL_ADDRESS",
            _ when Has("dns error") => "its name is not known; look at TEMPORAL_ADDRESS",
            _ => text[(text.LastIndexOf("error: \"", StringComparison.Ordinal) is >= 0 and var quoted ? quoted + 8 : 0)..].ReplaceLineEndings(" ").TrimEnd(' ', '}', ')', '"'),
        };
    }
}
