using System.Collections.Immutable;
using StatefulRelocate.Configuration.Yaml;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Configuration;

/// <summary>Reads commands: lists of a program and its arguments, never a shell line.</summary>
internal static class AppCommand
{
    /// <summary>Reads a command. A program given as <c>./x</c> or <c>../x</c> lies relative to the file; a bare name is found on PATH when it starts.</summary>
    public static ImmutableArray<string> Read(YamlValue value, AppTemplates? templates)
    {
        if (!value.IsList)
            throw value.Error($"{value.Path} is not a list", "write the program and its arguments as a list: [program, --option, value]");
        var command = value.List(
            argument =>
            {
                var text = argument.Text();
                templates?.Check(argument, text);
                return text;
            },
            atLeastOne: true);
        if (command[0].Length == 0)
            throw value.Error($"{value.Path} has no program", "write the program first");
        return IsRelative(command[0]) ? command.SetItem(0, CheckedNames.Resolve(value, command[0])) : command;
    }

    /// <summary>A list, or a mapping with <c>command</c> and <c>user</c>.</summary>
    public static ExecCommand ReadExec(YamlValue value, AppTemplates templates)
    {
        if (value.IsList)
            return new ExecCommand(Read(value, templates));
        var fields = value.Fields("command", "user");
        return new ExecCommand(Read(fields.Required("command"), templates), fields.OptionalClass("user", user => user.NonEmptyText()));
    }

    public static bool IsRelative(string path)
        => path.StartsWith("./", StringComparison.Ordinal) || path.StartsWith("../", StringComparison.Ordinal) || path is "." or "..";
}
