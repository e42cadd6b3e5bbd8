using System.Diagnostics.CodeAnalysis;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Configuration.Yaml;

/// <summary>The fields of one mapping. An unknown one has already been refused.</summary>
internal sealed class YamlFields
{
    private readonly YamlValue _owner;
    private readonly Dictionary<string, YamlValue> _values;

    public YamlFields(YamlValue owner, Dictionary<string, YamlValue> values) => (_owner, _values) = (owner, values);

    public YamlValue Required(string name)
        => TryGet(name, out var value) ? value : throw Missing(name);

    /// <summary>False for a field that is left out, and for one without a value (<c>key:</c>).</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out YamlValue? value)
        => _values.TryGetValue(name, out value) && !value.IsNull;

    public T Optional<T>(string name, T otherwise, Func<YamlValue, T> read)
        => TryGet(name, out var value) ? read(value) : otherwise;

    public T? OptionalClass<T>(string name, Func<YamlValue, T> read) where T : class
        => TryGet(name, out var value) ? read(value) : null;

    public RelocateException Missing(string name)
        => _owner.Error($"'{name}' is missing in {_owner.Path}", $"add '{name}:'");
}
