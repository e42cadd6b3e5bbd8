using System.Net;
using System.Net.Sockets;

namespace StatefulRelocate.Configuration.Yaml;

/// <summary>Texts with rules of their own: names, addresses, paths.</summary>
internal static class CheckedNames
{
    /// <summary>An RFC 1123 label in lower case; apps, volumes, processes, clusters, repositories and servers are named so.</summary>
    public static string Label(this YamlValue value)
    {
        var text = value.Text();
        return IsLabel(text)
            ? text
            : throw value.Error($"{value.Path} is '{text}'", "use lower-case letters, digits and dashes, at most 63, a letter or digit first and last");
    }

    /// <summary>A DNS name without the final dot, lower case; one with it is accepted.</summary>
    public static string DnsName(this YamlValue value)
    {
        var text = value.Text();
        var name = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        // RFC 1035 §2.3.4: 255 octets on the wire are 253 characters here.
        return name.Length is > 0 and <= 253 && name.Split('.').All(IsLabel)
            ? name
            : throw value.Error($"{value.Path} is '{text}'", "write a DNS name such as edge.test");
    }

    /// <summary>An IPv4 address, as a name's A record carries it.</summary>
    public static string Address(this YamlValue value)
    {
        var text = value.Text();
        return IsAddress(text) ? text : throw value.Error($"{value.Path} is '{text}'", "write an IPv4 address such as 127.0.0.11");
    }

    /// <summary>An IPv4 address with a port.</summary>
    public static string Endpoint(this YamlValue value)
    {
        var text = value.Text();
        var colon = text.LastIndexOf(':');
        return colon > 0 && IsAddress(text[..colon]) && ushort.TryParse(text[(colon + 1)..], out var port) && port > 0
            ? text
            : throw value.Error($"{value.Path} is '{text}'", "write an IPv4 address with a port, such as 127.0.0.53:5353");
    }

    /// <summary>A path; a relative one resolves against the file's directory, <c>~/</c> is the home directory.</summary>
    public static string FilePath(this YamlValue value) => Resolve(value, value.NonEmptyText());

    public static string Resolve(YamlValue value, string path)
    {
        if (path.StartsWith("~/", StringComparison.Ordinal) && Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home)
            return Path.GetFullPath(Path.Combine(home, path[2..]));
        return Path.GetFullPath(Path.Combine(value.Directory, path));
    }

    private static bool IsLabel(string text) => text.Length is > 0 and <= 63 && text[0] != '-' && text[^1] != '-'
        && text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-');

    // IPAddress also takes "127.1" and "1"; only the form that is written back unchanged is meant.
    private static bool IsAddress(string text) => IPAddress.TryParse(text, out var address)
        && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == text;
}
