using System.Globalization;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Leases;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Core.Plans;

/// <summary>Says in one line why a spec makes no sense, before anything is touched.</summary>
internal static class SpecValidation
{
    private const int LongestDnsName = 253;

    public static void Check(RelocationSpec spec, string relocationId)
    {
        if (relocationId.Length == 0 || !relocationId.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || relocationId[0] == '.')
            throw Bad($"the relocation id '{relocationId}' cannot be a file name everywhere; use letters, digits, '-', '_' and '.'");
        Label("app", spec.App);
        Label("source", spec.Source);
        Label("target", spec.Target);
        Label("repository", spec.Repository);
        Label("dns.server", spec.Dns.Server);
        DnsName("dns.zone", spec.Dns.Zone);
        DnsName("dns.name", spec.Dns.Name);
        if (spec.Dns.Name.Length + 1 + spec.Dns.Zone.Length > LongestDnsName)
            throw Bad($"dns.name '{spec.Dns.Name}' in dns.zone '{spec.Dns.Zone}' is longer than {LongestDnsName} characters; shorten one of them");
        if (spec.Source == spec.Target)
            throw Bad($"source and target are both '{spec.Source}'; name two clusters");
        foreach (var (field, name) in new[] { ("source", spec.Source), ("target", spec.Target) })
            if (name == WriterRecord.Nobody)
                throw Bad($"{field} must not be '{WriterRecord.Nobody}', which in the writer record means no cluster; give the cluster another name");
        if (spec.Dns.Ttl < TimeSpan.Zero || spec.Dns.Ttl.TotalSeconds > int.MaxValue)
            throw Bad($"dns.ttl is {Text(spec.Dns.Ttl)}; a TTL is between 0 s and {int.MaxValue} s");
        Check(spec.Cutover);
        if (spec.SourceRetention < TimeSpan.Zero)
            throw Bad($"sourceRetention is {Text(spec.SourceRetention)}; it must not be negative");
    }

    private static void Check(CutoverSpec cutover)
    {
        if (cutover.MaxDowntime <= TimeSpan.Zero)
            throw Bad($"cutover.maxDowntime is {Text(cutover.MaxDowntime)}; the budget must be above zero, for instance 500ms");
        if (cutover.MaxBlackout <= TimeSpan.Zero)
            throw Bad($"cutover.maxBlackout is {Text(cutover.MaxBlackout)}; the bound must be above zero, for instance 10s");
        if (cutover.MaxBlackout < cutover.MaxDowntime)
            throw Bad($"cutover.maxBlackout ({Text(cutover.MaxBlackout)}) is below cutover.maxDowntime ({Text(cutover.MaxDowntime)}), so a move within its budget would be undone; raise maxBlackout");
        if (cutover.MaxRounds < 1)
            throw Bad($"cutover.maxRounds is {cutover.MaxRounds}; at least one round is needed");
        if (!(cutover.MinimumGain is >= 0 and < 1))
            throw Bad(string.Create(CultureInfo.InvariantCulture, $"cutover.minimumGain is {cutover.MinimumGain}; it is a share, at least 0 and below 1"));
    }

    /// <summary>A label as in RFC 1123 §2.1, lower case as Kubernetes wants it.</summary>
    private static void Label(string field, string value)
    {
        if (!IsLabel(value))
            throw Bad($"{field} '{value}' is not a valid name; use lower-case letters, digits and dashes, 1 to 63, no dash at either end");
    }

    private static void DnsName(string field, string value)
    {
        if (value.Length > LongestDnsName || !value.Split('.').All(IsLabel))
            throw Bad($"{field} '{value}' is not a valid DNS name; use lower-case labels with dots between them and none at the end, for instance edge.test");
    }

    private static bool IsLabel(string value) =>
        value.Length is >= 1 and <= 63 && value[0] != '-' && value[^1] != '-'
        && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static string Text(TimeSpan duration) => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.###}s");

    private static RelocateException Bad(string message) => new(message);
}
