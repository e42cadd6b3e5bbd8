using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Engines.Temporal.Client.Relocations;

/// <summary>Nobody answers now: the Temporal server, or a worker behind it. Nothing is lost; another try can help.</summary>
/// <param name="message">One line: who, and what to do.</param>
/// <param name="inner">What lies below.</param>
public sealed class UnansweredException(string message, Exception? inner = null) : RelocateException(message, Core.Errors.ExitCode.BadInput, inner);
