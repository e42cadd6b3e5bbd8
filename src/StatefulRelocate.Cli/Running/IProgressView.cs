namespace StatefulRelocate.Cli.Running;

/// <summary>Shows a relocation while it runs.</summary>
internal interface IProgressView
{
    /// <summary>Shows it until <paramref name="done"/> ends, and then its last state.</summary>
    Task RunAsync(RelocationView view, Task done);

    /// <summary>An abort was sent; what the machine makes of it is told when it is known.</summary>
    void Abort(string signalId);
}
