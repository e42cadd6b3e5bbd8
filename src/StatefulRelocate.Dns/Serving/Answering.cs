using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Dns.Zones;
using Zone = StatefulRelocate.Dns.Zones.Zone;

namespace StatefulRelocate.Dns.Serving;

/// <summary>From a query and the zones to the answer, as RFC 1034 §4.3.2 has it for a server without recursion.</summary>
internal sealed class Answering(ZoneStore store, IPAddress serverAddress)
{
    private const int ApexTtl = 3600;

    // A set that does not exist yet may be made at any moment, so nobody should remember its absence for long (RFC 2308 §5).
    private const int NegativeTtl = 5;
    private const ushort SmallestPayload = 512;
    private const ushort LargestPayload = 1232;

    public DnsMessageBase? Answer(DnsMessageBase message)
    {
        if (message is not DnsMessage query)
            return null;
        var response = query.CreateResponseInstance();
        response.IsRecursionAllowed = false;
        if (query.IsEDnsEnabled && query.EDnsOptions is { } requested)
        {
            // The transport truncates at the size named in the answer: never above what the client takes (RFC 6891 §6.2.3).
            response.EDnsOptions = new OptRecord(Math.Clamp(requested.UdpPayloadSize, SmallestPayload, LargestPayload), []) { IsDnsSecOk = requested.IsDnsSecOk };
            if (requested.Version != 0)
            {
                response.ReturnCode = ReturnCode.BadVersion;
                return response;
            }
        }

        if (query.Questions.Count != 1)
        {
            response.ReturnCode = ReturnCode.FormatError;
            return response;
        }

        var question = query.Questions[0];
        var name = question.Name.ToString().TrimEnd('.').ToLowerInvariant();
        if (question.RecordClass is not (RecordClass.INet or RecordClass.Any) || IsTransfer(question.RecordType) || store.Enclosing(name) is not { } zone)
        {
            response.ReturnCode = ReturnCode.Refused;
            return response;
        }

        response.IsAuthoritiveAnswer = true;
        Fill(response, zone, name, question);
        return response;
    }

    private static bool IsTransfer(RecordType type) => type is RecordType.Axfr or RecordType.Ixfr;

    private static bool Wants(DnsQuestion question, RecordType type) => question.RecordType == type || question.RecordType == RecordType.Any;

    private static IEnumerable<DnsRecordBase> Records(DnsRecordSet set, DomainName owner)
    {
        var ttl = (int)set.Ttl.TotalSeconds;
        return set.Type switch
        {
            "A" => set.Records.Select(DnsRecordBase (data) => new ARecord(owner, ttl, IPAddress.Parse(data))),
            "AAAA" => set.Records.Select(DnsRecordBase (data) => new AaaaRecord(owner, ttl, IPAddress.Parse(data))),
            "TXT" => set.Records.Select(DnsRecordBase (data) => new TxtRecord(owner, ttl, RecordData.TextStrings(data))),
            _ => throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{set.Name}: a record type '{set.Type}' cannot be answered")),
        };
    }

    private static RecordType TypeOf(string type) => type switch { "A" => RecordType.A, "AAAA" => RecordType.Aaaa, _ => RecordType.Txt };

    private void Fill(DnsMessage response, Zone zone, string name, DnsQuestion question)
    {
        // The owner is spelt as in the question: clients compare the letters' case too.
        var owner = question.Name;
        var apex = DomainName.Parse(zone.Name);
        var glue = Glue(zone);
        foreach (var set in zone.Sets.Values.Append(glue).OfType<DnsRecordSet>().Where(set => set.Name == name && Wants(question, TypeOf(set.Type))))
            response.AnswerRecords.AddRange(Records(set, owner));
        if (name == zone.Name && Wants(question, RecordType.Soa))
            response.AnswerRecords.Add(Soa(zone, owner, ApexTtl));
        if (name == zone.Name && Wants(question, RecordType.Ns))
        {
            response.AnswerRecords.Add(new NsRecord(owner, ApexTtl, NameServer(apex)));
            if (glue is not null)
                response.AdditionalRecords.AddRange(Records(glue, NameServer(apex)));
        }

        if (response.AnswerRecords.Count > 0)
            return;
        response.AuthorityRecords.Add(Soa(zone, apex, NegativeTtl));
        if (!zone.Exists(name) && name != glue?.Name)
            response.ReturnCode = ReturnCode.NxDomain;
    }

    private static SoaRecord Soa(Zone zone, DomainName owner, int ttl)
    {
        var apex = DomainName.Parse(zone.Name);
        return new SoaRecord(owner, ttl, NameServer(apex), DomainName.Parse("hostmaster") + apex, zone.Serial, refreshInterval: 3600, retryInterval: 600, expireInterval: 604800, NegativeTtl);
    }

    private static DomainName NameServer(DomainName apex) => DomainName.Parse("ns") + apex;

    private DnsRecordSet? Glue(Zone zone)
    {
        var type = serverAddress.AddressFamily == AddressFamily.InterNetwork ? "A" : "AAAA";
        var name = "ns." + zone.Name;
        // A wildcard address says nothing to a client, and an address that the operator set wins.
        return serverAddress.Equals(IPAddress.Any) || serverAddress.Equals(IPAddress.IPv6Any) || !zone.Find(name, type).Records.IsEmpty
            ? null
            : new DnsRecordSet { Name = name, Type = type, Ttl = TimeSpan.FromSeconds(ApexTtl), Records = [serverAddress.ToString()] };
    }
}
