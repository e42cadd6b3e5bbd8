using System.Collections.Immutable;
using System.Globalization;
using StatefulRelocate.Core.Errors;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace StatefulRelocate.Configuration.Yaml;

/// <summary>One value of a file, with its place for errors and its path (<c>processes[0].stop.grace</c>) for people.</summary>
internal sealed class YamlValue
{
    private readonly string _file;
    private readonly YamlNode _node;

    public YamlValue(string file, string path, YamlNode node) => (_file, Path, _node) = (file, path, node);

    public string Path { get; }

    public bool IsNull => _node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    public bool IsList => _node is YamlSequenceNode;

    /// <summary>The directory against which relative paths of this file resolve.</summary>
    public string Directory => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(_file)) ?? "/";

    public RelocateException Error(string what, string todo)
        => new($"{_file}:{_node.Start.Line}:{_node.Start.Column}: {what}; {todo}");

    public string Text()
    {
        if (_node is not YamlScalarNode { Value: { } text } || IsNull)
            throw Expected("text");
        if (text.Contains('\0', StringComparison.Ordinal))
            throw Error($"{Path} contains a NUL character", "remove it");
        return text;
    }

    public string NonEmptyText()
        => Text() is { Length: > 0 } text ? text : throw Error($"{Path} is empty", "give it a value");

    public bool Flag() => Text() switch
    {
        "true" => true,
        "false" => false,
        var other => throw Error($"{Path} is '{other}'", "write true or false"),
    };

    public int Number(int least, int most)
    {
        var text = Text();
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Error($"{Path} is '{text}'", $"write a whole number from {least} to {most}");
    }

    public double Fraction(double least, double most)
    {
        var text = Text();
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Error($"{Path} is '{text}'", string.Create(CultureInfo.InvariantCulture, $"write a number from {least} to {most}"));
    }

    public TimeSpan Duration(TimeSpan least, TimeSpan most)
    {
        var text = Text();
        if (!Configuration.Duration.TryParse(text, out var duration))
            throw Error($"{Path} is '{text}'", "write a duration with its unit, as in 500ms, 5s, 1m30s or 24h");
        return duration >= least && duration <= most
            ? duration
            : throw Error($"{Path} is {text}", $"write a duration from {Configuration.Duration.Format(least)} to {Configuration.Duration.Format(most)}");
    }

    public T OneOf<T>(params ReadOnlySpan<(string Word, T Value)> choices)
    {
        var text = Text();
        foreach (var (word, value) in choices)
        {
            if (word == text)
                return value;
        }

        var words = new List<string>();
        foreach (var (word, _) in choices)
            words.Add(word);
        throw Error($"{Path} is '{text}'", Nearest.Suggest(text, words) ?? $"write {Words.Or(words)}");
    }

    public ImmutableArray<T> List<T>(Func<YamlValue, T> read, bool atLeastOne = false)
    {
        if (_node is not YamlSequenceNode sequence)
            throw Expected("a list");
        if (atLeastOne && sequence.Children.Count == 0)
            throw Error($"{Path} is empty", "give it at least one entry");
        var list = ImmutableArray.CreateBuilder<T>(sequence.Children.Count);
        foreach (var child in sequence.Children)
            list.Add(read(new YamlValue(_file, $"{Path}[{list.Count}]", child)));
        return list.MoveToImmutable();
    }

    /// <summary>A mapping whose keys are the user's own names.</summary>
    public IEnumerable<(YamlValue Name, YamlValue Value)> Entries()
    {
        if (_node is not YamlMappingNode mapping)
            throw Expected("a mapping (name: value)");
        foreach (var (key, value) in mapping.Children)
        {
            var name = KeyOf(key);
            yield return (new YamlValue(_file, $"the name '{name}' in {Path}", key), new YamlValue(_file, Child(name), value));
        }
    }

    /// <summary>A mapping with these fields; any other is refused, with the nearest known one.</summary>
    public YamlFields Fields(params string[] known)
    {
        var fields = ReadFields();
        if (_node is YamlMappingNode mapping)
        {
            foreach (var key in mapping.Children.Keys)
            {
                var name = KeyOf(key);
                if (!known.Contains(name))
                {
                    throw new YamlValue(_file, name, key).Error(
                        $"unknown field '{name}' in {Path}", Nearest.Suggest(name, known) ?? $"known are {Words.And(known)}");
                }
            }
        }

        return new YamlFields(this, fields);
    }

    /// <summary>A mapping, whatever its fields.</summary>
    public YamlFields FieldsOfAnyName() => new(this, ReadFields());

    private Dictionary<string, YamlValue> ReadFields()
    {
        if (_node is not YamlMappingNode mapping)
            throw Expected("a mapping (name: value)");
        return mapping.Children.ToDictionary(entry => KeyOf(entry.Key), entry => new YamlValue(_file, Child(KeyOf(entry.Key)), entry.Value), StringComparer.Ordinal);
    }

    private string KeyOf(YamlNode key) => key is YamlScalarNode { Value: { Length: > 0 } name }
        ? name
        : throw new YamlValue(_file, Path, key).Error($"a key in {Path} is not plain text", "write 'name: value'");

    private string Child(string name) => Path == "the file" ? name : $"{Path}.{name}";

    private RelocateException Expected(string what)
    {
        var found = _node switch
        {
            YamlMappingNode => "a mapping",
            YamlSequenceNode => "a list",
            _ when IsNull => "nothing",
            _ => "text",
        };
        return Error($"{Path} is {found}", $"it must be {what}");
    }
}
