using System.CommandLine;
using System.Text.Json;
using StatefulRelocate.Cli.Clusters;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Serialization;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate app</c>: apps on the local clusters.</summary>
internal static class AppCommands
{
    public static Command Create(GlobalOptions globals) => new("app", "The apps on local clusters.")
    {
        Apply(globals),
        Named(globals, "start", "Start an app and wait until it is ready.", AgentCalls.StartApp, "runs"),
        Named(globals, "stop", "Stop an app; it stays stopped.", AgentCalls.StopApp, "is stopped"),
        Status(globals),
        Delete(globals),
    };

    /// <summary>One line about an app.</summary>
    public static string Describe(AppDescription app)
    {
        var text = app.State.ToString().ToLowerInvariant();
        if (!app.ProcessIds.IsDefaultOrEmpty)
            text += $" (process {string.Join(", ", app.ProcessIds)})";
        if (app.Fenced)
            text += app.Relocation is null ? ", fenced" : $", fenced by {app.Relocation}";
        else if (app.Relocation is not null)
            text += $", in relocation {app.Relocation}";
        return app.Writer is null ? text : $"{text}, writer: {app.Writer}";
    }

    private static Command Apply(GlobalOptions globals)
    {
        var file = new Option<string>("--file", "-f") { Description = "The app's declaration (kind: App).", HelpName = "FILE", Required = true };
        var cluster = ClusterOption();
        var command = new Command("apply", "Make an app known to a cluster, without starting it.") { file, cluster };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var definition = AppFile.Load(parse.GetRequiredValue(file));
            var entry = globals.Cluster(parse, parse.GetRequiredValue(cluster));
            await entry.CallAsync(AgentCalls.ApplyApp, JsonSerializer.SerializeToElement(definition, CoreJson.Default.AppDefinition), cancellationToken);
            Console.WriteLine($"app '{definition.Name}' is known to cluster '{entry.Name}'; start it with 'relocate app start {definition.Name} --cluster {entry.Name}'");
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Named(GlobalOptions globals, string verb, string description, string method, string done)
    {
        var name = NameArgument();
        var cluster = ClusterOption();
        var command = new Command(verb, description) { name, cluster };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var entry = globals.Cluster(parse, parse.GetRequiredValue(cluster));
            await entry.CallAsync(method, Call(parse.GetRequiredValue(name)), cancellationToken);
            Console.WriteLine($"app '{parse.GetRequiredValue(name)}' {done} on cluster '{entry.Name}'");
            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Status(GlobalOptions globals)
    {
        var name = new Argument<string?>("NAME") { Description = "The app. Default: all of the cluster.", Arity = ArgumentArity.ZeroOrOne };
        var cluster = ClusterOption();
        var command = new Command("status", "Show what apps do, who may write, and where their volumes are.") { name, cluster };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var entry = globals.Cluster(parse, parse.GetRequiredValue(cluster));
            var described = (await entry.CallAsync(AgentCalls.Describe, default, cancellationToken)).Deserialize(AgentCallsJson.Default.ClusterDescription)!;
            var wanted = parse.GetValue(name);
            var apps = described.Apps.Where(app => wanted is null || app.Name == wanted).ToList();
            if (apps.Count == 0)
                throw new RelocateException(wanted is null ? $"cluster '{entry.Name}' knows no app" : $"cluster '{entry.Name}' knows no app '{wanted}'");
            foreach (var app in apps)
            {
                Console.WriteLine($"{app.Name}: {Describe(app)}");
                foreach (var volume in app.Volumes)
                    Console.WriteLine($"  volume {volume}");
            }

            return ExitCode.Completed;
        });
        return command;
    }

    private static Command Delete(GlobalOptions globals)
    {
        var name = NameArgument();
        var cluster = ClusterOption();
        var volumes = new Option<bool>("--volumes") { Description = "Delete its volumes too. Default: they are kept." };
        var command = new Command("delete", "Make a cluster forget a stopped app.") { name, cluster, volumes };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var entry = globals.Cluster(parse, parse.GetRequiredValue(cluster));
            await entry.CallAsync(AgentCalls.DeleteApp, Call(parse.GetRequiredValue(name), parse.GetValue(volumes)), cancellationToken);
            Console.WriteLine($"cluster '{entry.Name}' has forgotten app '{parse.GetRequiredValue(name)}'{(parse.GetValue(volumes) ? " and its volumes" : "; its volumes are kept")}");
            return ExitCode.Completed;
        });
        return command;
    }

    private static JsonElement Call(string app, bool volumes = false) => JsonSerializer.SerializeToElement(new AppCall(app, volumes), AgentCallsJson.Default.AppCall);

    private static Argument<string> NameArgument() => new("NAME") { Description = "The app's name." };

    private static Option<string> ClusterOption() => new("--cluster") { Description = "The cluster.", HelpName = "NAME", Required = true };
}
