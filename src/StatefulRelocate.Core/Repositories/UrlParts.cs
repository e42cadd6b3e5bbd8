using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Core.Repositories;

/// <summary>A URL with an authority, cut up; each part is taken once and checked.</summary>
internal sealed class UrlParts
{
    private static readonly string[] s_secrets = ["key", "secret", "token", "sas", "sig", "password", "passphrase", "credential", "connection-string", "user"];
    private readonly string _place;
    private readonly string _shown;
    private readonly Dictionary<string, string> _parameters = new(StringComparer.Ordinal);

    public UrlParts(string text, string scheme)
    {
        var question = text.IndexOf('?', StringComparison.Ordinal);
        _place = (question < 0 ? text : text[..question])[scheme.Length..].TrimEnd('/');
        // Before an @ there may be a password: it is shown to nobody.
        _shown = scheme + (_place.Contains('@', StringComparison.Ordinal) ? "…" : _place);
        if (_place.Contains('@', StringComparison.Ordinal))
            throw Error("credentials do not belong into a URL, which is shown and stored; docs/object-stores.md says where they belong");
        foreach (var pair in question < 0 ? [] : text[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? pair : pair[..equals];
            var value = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
            if (value.Length == 0 || value.Any(char.IsControl))
                throw Error($"the parameter '{name}' needs a value: {name}=…");
            if (!_parameters.TryAdd(name, value))
                throw Error($"the parameter '{name}' is given twice");
        }
    }

    public static string? Show(Uri? endpoint) => endpoint?.AbsoluteUri.TrimEnd('/');

    public static string Write(string place, params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var separator = '?';
        foreach (var (name, value) in parameters)
        {
            if (value is null)
                continue;
            // Only what would end the value is escaped, so that a URL reads as its user wrote it.
            var escaped = value.Replace("%", "%25", StringComparison.Ordinal).Replace("&", "%26", StringComparison.Ordinal).Replace("#", "%23", StringComparison.Ordinal);
            place += $"{separator}{name}={escaped}";
            separator = '&';
        }

        return place;
    }

    /// <summary>The first part of the place, checked, and the rest.</summary>
    public (string First, string After) Split(string form, string what, int least, int most, string marks)
    {
        var slash = _place.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? _place : _place[..slash];
        CheckWord(form, what, first, least, most, marks);
        return (first, slash < 0 ? "" : _place[(slash + 1)..]);
    }

    public void CheckWord(string form, string what, string word, int least, int most, string marks)
    {
        if (word.Length == 0)
            throw Error($"it does not name {what}; write {form}");
        if (word.Length < least || word.Length > most || !word.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || marks.Contains(c, StringComparison.Ordinal)))
            throw Error($"'{word}' is not the name of {what}: {least} to {most} of a-z, 0-9{string.Concat(marks.Select(mark => $", '{mark}'"))}");
    }

    public string CheckPrefix(string prefix)
    {
        foreach (var part in prefix.Length == 0 ? [] : prefix.Split('/'))
        {
            if (part.Length == 0 || part[0] == '.' || !part.All(c => char.IsAsciiLetterOrDigit(c) || "._-=+".Contains(c, StringComparison.Ordinal)))
                throw Error($"'{prefix}' is no prefix: parts of letters, digits, '.', '_', '-', '=' and '+', not beginning with '.', with one '/' between them");
        }

        return prefix;
    }

    public string? Take(string name) => _parameters.Remove(name, out var value) ? value : null;

    public string? TakeWord(string name)
        => Take(name) is not { } value ? null
            : value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') ? value : throw Error($"{name} is '{value}'; write a-z, 0-9 and '-'");

    public bool? TakeFlag(string name) => Take(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        var value => throw Error($"{name} is '{value}'; write true or false"),
    };

    public Uri? TakeEndpoint()
    {
        if (Take("endpoint") is not { } value)
            return null;
        if (!Uri.TryCreate(value, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https") || endpoint.Query.Length > 0 || endpoint.Fragment.Length > 0)
            throw Error("the endpoint is no http:// or https:// address, such as https://minio.example:9000");
        return endpoint.UserInfo.Length == 0 ? endpoint : throw Error("credentials do not belong into the endpoint, which is shown and stored");
    }

    public void RequireAllTaken(string known, string credentials)
    {
        foreach (var name in _parameters.Keys)
        {
            throw Error(s_secrets.Any(secret => name.Contains(secret, StringComparison.OrdinalIgnoreCase))
                ? $"'{name}' does not belong into a URL, which is shown and stored; give credentials by {credentials}"
                : $"the parameter '{name}' is unknown; there are: {known}");
        }
    }

    private RelocateException Error(string why) => new($"'{_shown}' is no repository URL: {why}");
}
