namespace StatefulRelocate.Activities.Streams;

/// <summary>The other side sent something that is not the protocol; the message is one line.</summary>
public sealed class StreamProtocolException : Exception
{
    /// <summary>Makes one.</summary>
    public StreamProtocolException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>
/// The agent gave no answer. Whether the request reached it decides what is known: one that was never sent certainly had no
/// effect, one that was sent may still be running.
/// </summary>
public sealed class AgentUnreachableException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="message">One line.</param>
    /// <param name="sent">Whether any byte of the request may have reached the agent.</param>
    /// <param name="inner">What lies below.</param>
    public AgentUnreachableException(string message, bool sent, Exception? inner = null) : base(message, inner) => Sent = sent;

    /// <summary>Whether any byte of the request may have reached the agent.</summary>
    public bool Sent { get; }
}
