using System.Net.Sockets;
using System.Security.Authentication;

namespace StatefulRelocate.ObjectStores.Requests;

/// <summary>What went wrong between here and a store, in words.</summary>
internal static class NetworkFailures
{
    /// <summary>Why it failed and whether that may pass, or null when the network is not at fault.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="place">The store's address.</param>
    /// <param name="nameHint">What else to do when the host name is not known; empty for nothing.</param>
    public static (string Why, bool MayPass)? Tell(Exception error, string place, string nameHint)
    {
        if (Find<AuthenticationException>(error) is { } refused)
            return ($"the certificate of {place} is not trusted ({Short(refused)}); name the file of the authority that signed it with ca=FILE in the URL", false);
        if (Find<HttpRequestException>(error) is { } failed)
            return ($"{place} cannot be reached: {Short(failed)}{Hint(failed, nameHint)}", true);
        if (Find<IOException>(error) is { } broken)
            return ($"the connection to {place} broke: {Short(broken)}", true);
        return error is TimeoutException or OperationCanceledException ? ($"{place} cannot be reached: {Short(error)}", true) : null;
    }

    public static string Short(Exception error) => error.Message.ReplaceLineEndings("\n").Split('\n')[0].Trim().TrimEnd('.');

    private static string Hint(HttpRequestException error, string nameHint) => Find<SocketException>(error)?.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "; is the server running, and the port right?",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "; check the host name" + nameHint,
        _ => "",
    };

    private static T? Find<T>(Exception? error) where T : Exception
    {
        for (; error is not null; error = error is AggregateException { InnerExceptions: [var first, ..] } ? first : error.InnerException)
        {
            if (error is T found)
                return found;
        }

        return null;
    }
}
