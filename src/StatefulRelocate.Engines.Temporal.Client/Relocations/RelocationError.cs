using StatefulRelocate.Core.Errors;
using StatefulRelocate.Engines.Temporal.Client.Contract;
using Temporalio.Client;
using Temporalio.Exceptions;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>Says in one line what a Temporal server or a worker refuses.</summary>
internal static class RelocationError
{
    /// <summary>How it is said that nobody runs workflows.</summary>
    public const string NoServer = $"no relocate-server polls the task queue {TemporalNames.ServerTaskQueue}; start one";

    /// <summary>Whether the exception is one of the SDK's that this class can tell about.</summary>
    public static bool Knows(Exception error, CancellationToken cancellationToken) =>
        error is RpcException or WorkflowQueryFailedException or WorkflowUpdateRpcTimeoutOrCanceledException && !cancellationToken.IsCancellationRequested;

    public static RelocateException Describe(ITemporalClient client, string relocation, Exception error)
    {
        var server = $"Temporal server {client.Connection.Options.TargetHost}";
        return error switch
        {
            WorkflowQueryFailedException => new RelocateException($"{relocation}: {OneLine(error)}", inner: error),
            WorkflowUpdateRpcTimeoutOrCanceledException => new UnansweredException($"{relocation}: relocate-server does not answer; is it running?", error),
            RpcException { Code: RpcException.StatusCode.NotFound } when error.Message.Contains("already completed", StringComparison.Ordinal) =>
                new RelocateException($"{relocation} is over; see 'relocate status {relocation}'", inner: error),
            RpcException { Code: RpcException.StatusCode.NotFound } =>
                new RelocateException($"{server}: no relocation '{relocation}' in namespace '{client.Options.Namespace}'; see 'relocate list --engine temporal'", inner: error),
            RpcException { Code: RpcException.StatusCode.FailedPrecondition } when error.Message.Contains("poller", StringComparison.Ordinal) => new UnansweredException($"{relocation}: {NoServer}", error),
            RpcException { Code: RpcException.StatusCode.InvalidArgument or RpcException.StatusCode.ResourceExhausted } when IsSize(error) =>
                new RelocateException($"{relocation}: {server} refuses it as too large: {OneLine(error)}", inner: error),
            RpcException { Code: RpcException.StatusCode.Unavailable or RpcException.StatusCode.ResourceExhausted or RpcException.StatusCode.Internal or RpcException.StatusCode.Unknown } =>
                new UnansweredException($"{server}: it does not answer now: {OneLine(error)}", error),
            RpcException { Code: RpcException.StatusCode.DeadlineExceeded or RpcException.StatusCode.Cancelled or RpcException.StatusCode.Aborted } =>
                new UnansweredException($"{relocation}: no answer within seconds; is relocate-server running, and is {server} well?", error),
            RpcException { Code: RpcException.StatusCode.PermissionDenied or RpcException.StatusCode.Unauthenticated } =>
                new RelocateException($"{server}: it refuses the credentials for this: {OneLine(error)}", inner: error),
            _ => new RelocateException($"{relocation}: {server}: {OneLine(error)}", ExitCode.OurError, error),
        };
    }

    private static bool IsSize(Exception error) =>
        error.Message.Contains("size", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("larger than max", StringComparison.OrdinalIgnoreCase);

    private static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ").TrimEnd('.');
}
