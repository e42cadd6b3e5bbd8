using System.Collections.Immutable;
using StatefulRelocate.Configuration.Yaml;
using StatefulRelocate.Core.Apps;
using StatefulRelocate.Core.Errors;

namespace StatefulRelocate.Configuration;

/// <summary>Reads the declaration of an app (<c>kind: App</c>).</summary>
public static class AppFile
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    private static readonly string[] s_signals =
        ["ABRT", "ALRM", "CONT", "HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2", "WINCH"];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file. Programs given as <c>./x</c> and relative working directories resolve against its directory.</param>
    /// <exception cref="RelocateException">The file is missing or wrong; the message has file, line and column.</exception>
    public static AppDefinition Load(string path)
    {
        var file = YamlFile.Load(path, "App", "name", "volumes", "processes", "readiness", "hooks");
        var volumes = file.Optional("volumes", [], value => ReadVolumes(value));
        var templates = new AppTemplates(volumes.Select(volume => volume.Name));
        return new AppDefinition
        {
            Name = file.Required("name").Label(),
            Volumes = volumes,
            Processes = ReadProcesses(file.Required("processes"), templates),
            Readiness = file.OptionalClass("readiness", value => ReadReadiness(value, templates)),
            Hooks = file.Optional("hooks", new AppHooks(), value => ReadHooks(value, templates)),
        };
    }

    private static ImmutableArray<AppVolume> ReadVolumes(YamlValue value)
    {
        var unique = new UniqueNames();
        return value.List(volume => new AppVolume(unique.Read(volume.Fields("name").Required("name"))));
    }

    private static ImmutableArray<AppProcess> ReadProcesses(YamlValue value, AppTemplates templates)
    {
        var unique = new UniqueNames();
        return value.List(
            process =>
            {
                var fields = process.Fields("name", "user", "command", "env", "workingDirectory", "stop");
                return new AppProcess
                {
                    Name = unique.Read(fields.Required("name")),
                    User = fields.OptionalClass("user", user => user.NonEmptyText()),
                    Command = AppCommand.Read(fields.Required("command"), templates),
                    Environment = fields.Optional("env", ImmutableSortedDictionary<string, string>.Empty, env => ReadEnvironment(env, templates)),
                    WorkingDirectory = fields.OptionalClass("workingDirectory", directory => ReadWorkingDirectory(directory, templates)),
                    Stop = fields.Optional("stop", new StopPolicy(), ReadStop),
                };
            },
            atLeastOne: true);
    }

    private static ImmutableSortedDictionary<string, string> ReadEnvironment(YamlValue value, AppTemplates templates)
    {
        var variables = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, entry) in value.Entries())
        {
            var key = name.NonEmptyText();
            if (key.Contains('=', StringComparison.Ordinal))
                throw name.Error($"'{key}' is no name of a variable", "write NAME: value");
            var text = entry.IsNull ? "" : entry.Text();
            templates.Check(entry, text);
            variables.Add(key, text);
        }

        return variables.ToImmutable();
    }

    private static string ReadWorkingDirectory(YamlValue value, AppTemplates templates)
    {
        var text = value.NonEmptyText();
        templates.Check(value, text);
        return text.StartsWith("${", StringComparison.Ordinal) ? text : CheckedNames.Resolve(value, text);
    }

    private static StopPolicy ReadStop(YamlValue value)
    {
        var fields = value.Fields("signal", "grace");
        var otherwise = new StopPolicy();
        return new StopPolicy
        {
            Signal = fields.Optional("signal", otherwise.Signal, ReadSignal),
            Grace = fields.Optional("grace", otherwise.Grace, grace => grace.Duration(TimeSpan.Zero, s_longestWait)),
        };
    }

    private static string ReadSignal(YamlValue value)
    {
        var text = value.Text();
        var name = text.StartsWith("SIG", StringComparison.Ordinal) ? text[3..] : text;
        return s_signals.Contains(name)
            ? name
            : throw value.Error($"{value.Path} is '{text}'", $"write {Words.Or(s_signals)}");
    }

    private static ReadinessProbe ReadReadiness(YamlValue value, AppTemplates templates)
    {
        var fields = value.Fields("http", "tcp", "exec", "period", "timeout");
        string[] ways = ["http", "tcp", "exec"];
        var given = ways.Where(way => fields.TryGet(way, out _)).ToList();
        if (given.Count != 1)
            throw value.Error($"{value.Path} has {(given.Count == 0 ? "no probe" : Words.And(given))}", "give it exactly one of http, tcp and exec");
        var otherwise = new ReadinessProbe();
        return new ReadinessProbe
        {
            Http = fields.OptionalClass("http", ReadHttp),
            Tcp = fields.OptionalClass("tcp", tcp => new TcpProbe(ReadPort(tcp.Fields("port")))),
            Exec = fields.OptionalClass("exec", exec => AppCommand.ReadExec(exec, templates)),
            Period = fields.Optional("period", otherwise.Period, period => period.Duration(TimeSpan.FromMilliseconds(1), s_longestWait)),
            Timeout = fields.Optional("timeout", otherwise.Timeout, timeout => timeout.Duration(TimeSpan.FromMilliseconds(1), s_longestWait)),
        };
    }

    private static HttpProbe ReadHttp(YamlValue value)
    {
        var fields = value.Fields("port", "path");
        return new HttpProbe(ReadPort(fields), fields.Optional("path", "/", path => path.Text() is ['/', ..] text
            ? text
            : throw path.Error($"{path.Path} is '{path.Text()}'", "write a path that begins with /")));
    }

    private static int ReadPort(YamlFields fields) => fields.Required("port").Number(1, 65535);

    private static AppHooks ReadHooks(YamlValue value, AppTemplates templates)
    {
        var fields = value.Fields("settle", "quiesce", "unquiesce", "started");
        return new AppHooks
        {
            Settle = Hook("settle"),
            Quiesce = Hook("quiesce"),
            Unquiesce = Hook("unquiesce"),
            Started = Hook("started"),
        };

        AppHook? Hook(string name) => fields.OptionalClass(name, hook => ReadHook(hook, templates));
    }

    private static AppHook ReadHook(YamlValue value, AppTemplates templates)
    {
        var fields = value.Fields("exec", "timeout", "onError");
        return new AppHook
        {
            Exec = AppCommand.ReadExec(fields.Required("exec"), templates),
            Timeout = fields.Optional("timeout", TimeSpan.FromSeconds(5), timeout => timeout.Duration(TimeSpan.FromMilliseconds(1), s_longestWait)),
            OnError = fields.Optional("onError", HookErrorPolicy.Fail,
                policy => policy.OneOf(("fail", HookErrorPolicy.Fail), ("ignore", HookErrorPolicy.Ignore))),
        };
    }

    private sealed class UniqueNames
    {
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

        public string Read(YamlValue value)
        {
            var name = value.Label();
            return _seen.Add(name) ? name : throw value.Error($"{value.Path}: '{name}' stands here twice", "give each its own name");
        }
    }
}
