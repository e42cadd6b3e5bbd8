using StatefulRelocate.Configuration.Yaml;

namespace StatefulRelocate.Configuration;

/// <summary>
/// Checks <c>${…}</c> in an app file. Lower-case names are ours and must be known, so that a typo is found when the file is read;
/// anything else, such as <c>${HOME}</c> in a shell's argument, is left as it is.
/// </summary>
internal sealed class AppTemplates(IEnumerable<string> volumes)
{
    private readonly string[] _known = ["address", "cluster", .. volumes.Select(name => $"volumes.{name}")];

    public void Check(YamlValue value, string text)
    {
        for (var start = text.IndexOf("${", StringComparison.Ordinal); start >= 0; start = text.IndexOf("${", start + 2, StringComparison.Ordinal))
        {
            var end = text.IndexOf('}', start);
            if (end < 0)
                return;
            var name = text[(start + 2)..end];
            if (IsOurs(name) && !_known.Contains(name))
            {
                throw value.Error($"unknown variable '${{{name}}}' in {value.Path}",
                    Nearest.Suggest(name, _known) ?? $"known are {Words.And([.. _known.Select(known => $"${{{known}}}")])}");
            }
        }
    }

    private static bool IsOurs(string name) => name.Length > 0 && char.IsAsciiLetterLower(name[0])
        && name.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '.' or '-');
}
