namespace StatefulRelocate.TestSupport.Servers;

/// <summary>Lets a test stand between a client and its server.</summary>
public sealed class PassingHandler(HttpMessageHandler inner, Func<HttpRequestMessage, Func<Task<HttpResponseMessage>>, Task<HttpResponseMessage>> pass) : DelegatingHandler(inner)
{
    /// <inheritdoc />
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        => pass(request, () => base.SendAsync(request, cancellationToken));
}
