using System.Net;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Dns.Zones;

namespace StatefulRelocate.Dns.Asking;

/// <summary>Asks one server for one record set: UDP first, TCP where the answer was truncated or UDP gave none.</summary>
internal sealed class AuthoritativeQuestion(IPEndPoint server)
{
    private const int LimitMilliseconds = 1000;

    /// <summary>The set, empty when the server says that there is none, or null when it did not answer.</summary>
    /// <exception cref="DnsException">It answered with an error, or without authority.</exception>
    public async Task<DnsRecordSet?> AskAsync(string name, string type, CancellationToken cancellationToken)
    {
        var response = await SendAsync(new UdpClientTransport(server.Port), name, type, cancellationToken).ConfigureAwait(false);
        if (response is null or { IsTruncated: true })
            response = await SendAsync(new TcpClientTransport(server.Port), name, type, cancellationToken).ConfigureAwait(false);
        if (response is null or { IsTruncated: true })
            return null;
        if (response.ReturnCode is not (ReturnCode.NoError or ReturnCode.NxDomain))
            throw new DnsException($"DNS server {server}: answered {response.ReturnCode} for {name} {type}", unanswered: false);
        if (!response.IsAuthoritiveAnswer)
            throw new DnsException($"DNS server {server}: answered for {name} without authority; it does not serve the zone", unanswered: false);
        return SetIn(response, name, type);
    }

    private static DnsRecordSet SetIn(DnsMessage response, string name, string type)
    {
        var records = response.AnswerRecords.Where(record => record.RecordType == TypeOf(type) && Canonical(record.Name) == name).ToArray();
        return RecordData.Canonical(new DnsRecordSet
        {
            Name = name,
            Type = type,
            // One set has one TTL (RFC 2181 §5.2); of several the smallest is what a resolver keeps.
            Ttl = records.Length == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(records.Min(record => record.TimeToLive)),
            Records = [.. records.Select(Data)],
        });
    }

    private static string Canonical(DomainName name) => name.ToString().TrimEnd('.').ToLowerInvariant();

    private static RecordType TypeOf(string type) => type switch { "A" => RecordType.A, "AAAA" => RecordType.Aaaa, _ => RecordType.Txt };

    private static string Data(DnsRecordBase record) => record switch
    {
        AddressRecordBase address => address.Address.ToString(),
        TextRecordBase text => RecordData.TextPresentation(text.TextParts),
        _ => throw new DnsException($"a record of type {record.RecordType} was not asked for", unanswered: false),
    };

    private async Task<DnsMessage?> SendAsync(IClientTransport transport, string name, string type, CancellationToken cancellationToken)
    {
        var query = new DnsMessage { IsRecursionDesired = false, IsEDnsEnabled = true };
        query.Questions.Add(new DnsQuestion(DomainName.Parse(name), TypeOf(type), RecordClass.INet));
        try
        {
            using var client = new DnsClient([server.Address], [transport], disposeTransport: true, LimitMilliseconds);
            return await client.SendMessageAsync(query, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or IOException or FormatException)
        {
            return null;
        }
    }
}
