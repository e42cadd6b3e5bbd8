using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Dns;
using StatefulRelocate.Cli.Processes;
using StatefulRelocate.Core.Dns;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Dns;

namespace StatefulRelocate.Cli.Commands;

/// <summary><c>relocate dns</c>: the embedded DNS servers of the configuration, and the records in them.</summary>
internal static class DnsCommands
{
    public static Command Create(GlobalOptions globals) => new("dns", "The embedded DNS servers and their records.")
    {
        Up(globals), Down(globals), Status(globals), Set(globals), Get(globals), Serve(globals),
    };

    private static Command Up(GlobalOptions globals)
    {
        var name = NameArgument();
        var command = new Command("up", "Start a DNS server in the background; it outlives the terminal.") { name };
        command.SetAction((parse, cancellationToken) => Guarded(async () =>
        {
            var server = DnsServerEntry.One(globals, parse, parse.GetValue(name));
            var started = await DnsServerProcess.StartAsync(server, ServeArguments(globals, parse, server), cancellationToken);
            Console.WriteLine(started ? $"DNS server '{server.Name}' is up on {server.Listen}" : $"DNS server '{server.Name}' is already up on {server.Listen}");
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Down(GlobalOptions globals)
    {
        var name = NameArgument();
        var command = new Command("down", "Stop a DNS server. Its zones are kept.") { name };
        command.SetAction((parse, cancellationToken) => Guarded(async () =>
        {
            var server = DnsServerEntry.One(globals, parse, parse.GetValue(name));
            var stopped = await DnsServerProcess.StopAsync(server, cancellationToken);
            Console.WriteLine(stopped ? $"DNS server '{server.Name}' is down" : $"DNS server '{server.Name}' was not running");
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Status(GlobalOptions globals)
    {
        var name = NameArgument();
        var command = new Command("status", "Show whether DNS servers are up, and their zones. Exit code 3 when one is not up.") { name };
        command.SetAction((parse, cancellationToken) => Guarded(async () =>
        {
            var all = parse.GetValue(name) is { } named ? [DnsServerEntry.One(globals, parse, named)] : DnsServerEntry.All(globals, parse);
            if (all.Count == 0)
                Console.WriteLine("no DNS server is declared");
            var down = false;
            foreach (var server in all)
                down |= !await ShowAsync(server, cancellationToken);
            return down ? ExitCode.Partial : ExitCode.Completed;
        }));
        return command;
    }

    private static Command Set(GlobalOptions globals)
    {
        var zone = new Argument<string>("ZONE") { Description = "The zone, as in edge.test." };
        var name = RecordNameArgument();
        var type = new Argument<string>("TYPE") { Description = "A, AAAA or TXT." };
        var ttl = new Argument<int>("TTL") { Description = "The time to live in seconds." };
        var data = new Argument<string[]>("DATA") { Description = "One or more addresses or texts; together they are the record set.", Arity = ArgumentArity.OneOrMore };
        var serverName = ServerOption();
        var command = new Command("set", "Replace a record set, whatever it was.") { zone, name, type, ttl, data, serverName };
        command.SetAction((parse, cancellationToken) => Guarded(async () =>
        {
            var server = DnsServerEntry.ForZone(globals, parse, parse.GetValue(serverName), parse.GetRequiredValue(zone));
            var wanted = new DnsRecordSet
            {
                Name = FullName(parse.GetRequiredValue(name), parse.GetRequiredValue(zone)),
                Type = parse.GetRequiredValue(type),
                Ttl = TimeSpan.FromSeconds(parse.GetRequiredValue(ttl)),
                Records = [.. parse.GetRequiredValue(data)],
            };
            Print(await server.Control().SetAsync(parse.GetRequiredValue(zone), wanted, cancellationToken));
            return ExitCode.Completed;
        }));
        return command;
    }

    private static Command Get(GlobalOptions globals)
    {
        var zone = new Argument<string>("ZONE") { Description = "The zone, as in edge.test." };
        var name = RecordNameArgument();
        var type = new Argument<string>("TYPE") { Description = "A, AAAA or TXT." };
        var serverName = ServerOption();
        var command = new Command("get", "Ask the server, over DNS, for a record set. Exit code 3 when there is none.") { zone, name, type, serverName };
        command.SetAction((parse, cancellationToken) => Guarded(async () =>
        {
            var server = DnsServerEntry.ForZone(globals, parse, parse.GetValue(serverName), parse.GetRequiredValue(zone));
            var driver = new EmbeddedDnsDriver(server.ControlSocket, server.Listen, TimeProvider.System);
            var fullName = FullName(parse.GetRequiredValue(name), parse.GetRequiredValue(zone));
            var answers = await driver.AskAsync(parse.GetRequiredValue(zone), fullName, parse.GetRequiredValue(type), cancellationToken);
            var answer = answers[0].RecordSet
                ?? throw new RelocateException($"DNS server '{server.Name}' on {server.Listen} does not answer; start it with 'relocate dns up {server.Name}'", ExitCode.OurError);
            Print(answer);
            if (answer.Records.IsEmpty)
                Console.Error.WriteLine($"relocate: DNS server '{server.Name}' has no {parse.GetRequiredValue(type)} record of {fullName}");
            return answer.Records.IsEmpty ? ExitCode.Partial : ExitCode.Completed;
        }));
        return command;
    }

    private static Command Serve(GlobalOptions globals)
    {
        var name = NameArgument();
        var command = new Command("serve", "Be the DNS server, in the foreground.") { name };
        command.Hidden = true;
        command.SetAction((parse, cancellationToken) => DnsServerProcess.ServeAsync(DnsServerEntry.One(globals, parse, parse.GetValue(name)), cancellationToken));
        return command;
    }

    private static string[] ServeArguments(GlobalOptions globals, ParseResult parse, DnsServerEntry server)
        => ["dns", "serve", server.Name, "--state", globals.StateDirectory(parse), "--config", globals.ConfigPath(parse).Path];

    private static async Task<bool> ShowAsync(DnsServerEntry server, CancellationToken cancellationToken)
    {
        try
        {
            var zones = await server.Control().ListAsync(cancellationToken);
            var process = ProcessRecord.Read(server.StateDirectory) is { } record ? $", process {record.Pid}" : "";
            Console.WriteLine($"{server.Name}: up on {server.Listen}{process}");
            foreach (var zone in zones)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {zone.Name}: serial {zone.Serial}, record sets: {zone.RecordSets.Length}"));
            return true;
        }
        catch (DnsException error)
        {
            Console.WriteLine(error.Unanswered ? $"{server.Name}: does not answer" : $"{server.Name}: down");
            return false;
        }
    }

    private static void Print(DnsRecordSet set)
    {
        foreach (var record in set.Records)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{set.Name}. {set.Ttl.TotalSeconds:0} IN {set.Type} {record}"));
    }

    // In a zone file "@" is the zone itself, and a name that does not end in the zone is relative to it.
    private static string FullName(string name, string zone)
    {
        name = name.TrimEnd('.');
        zone = zone.TrimEnd('.');
        if (name == "@" || string.Equals(name, zone, StringComparison.OrdinalIgnoreCase))
            return zone;
        return name.EndsWith('.' + zone, StringComparison.OrdinalIgnoreCase) ? name : $"{name}.{zone}";
    }

    private static async Task<int> Guarded(Func<Task<int>> action)
    {
        try
        {
            return await action();
        }
        catch (DnsException error)
        {
            throw new RelocateException(error.Message, error.Unanswered ? ExitCode.OurError : ExitCode.BadInput, error);
        }
    }

    private static Argument<string?> NameArgument() => new("NAME")
    {
        Description = "A DNS server of the configuration. Default: the only one.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static Argument<string> RecordNameArgument() => new("NAME") { Description = "The name, in full or relative to the zone; @ is the zone itself." };

    private static Option<string?> ServerOption() => new("--server") { Description = "The DNS server. Default: the one that serves the zone.", HelpName = "NAME" };
}
