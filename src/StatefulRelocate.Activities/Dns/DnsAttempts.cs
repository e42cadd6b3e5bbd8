namespace StatefulRelocate.Activities.Dns;

/// <summary>Written before every DNS message of a switch: a switch whose messages were not all answered with a refusal may have taken effect.</summary>
/// <param name="RelocationId">The relocation.</param>
/// <param name="Unanswered">How many messages were sent and not answered; a crash leaves its own counted.</param>
internal sealed record DnsAttempts(string RelocationId, int Unanswered);
