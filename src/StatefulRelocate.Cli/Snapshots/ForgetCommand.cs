using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using StatefulRelocate.Cli.Repositories;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Retention;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary><c>relocate snapshot forget</c>.</summary>
internal static class ForgetCommand
{
    public static Command Create()
    {
        var ids = new Argument<string[]>("ID") { Description = "Snapshots to forget, by their whole ids; or none, and a policy.", Arity = ArgumentArity.ZeroOrMore };
        var app = new Option<string?>("--app") { Description = "Only snapshots of this app; the others stay.", HelpName = "NAME" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only show what is kept, and why." };
        var json = SnapshotCommands.Json();
        var policy = new PolicyOptions();
        var command = new Command("forget", "Forget snapshots by a policy, app by app; 'prune' then frees the space.") { ids, app, dryRun, json };
        policy.AddTo(command);
        var options = new RepositoryOptions(command);
        command.SetAction((parse, cancellationToken) => RepoCommands.GuardedAsync(async () =>
        {
            var (named, rules) = (parse.GetValue(ids) ?? [], policy.Read(parse));
            if (named.Length > 0 && !rules.IsEmpty)
                throw new RelocateException("name either snapshots or a policy, not both");
            var forgetting = new SnapshotForgetting(await options.OpenAsync(parse, cancellationToken));
            var decisions = named.Length > 0
                ? await forgetting.PlanAsync(named, cancellationToken)
                : await forgetting.PlanAsync(rules, m => parse.GetValue(app) is not { } name || m.App == name, cancellationToken);
            if (!parse.GetValue(dryRun))
                await forgetting.ForgetAsync(decisions, cancellationToken);
            if (parse.GetValue(json))
                SnapshotOutput.Write(ForgetDocument.Of(decisions, parse.GetValue(dryRun)));
            else
                Show(decisions, parse.GetValue(dryRun));
            return ExitCode.Completed;
        }));
        return command;
    }

    private static void Show(ImmutableArray<RetentionDecision> decisions, bool dryRun)
    {
        foreach (var app in decisions.GroupBy(d => d.Snapshot.App))
        {
            Console.WriteLine($"app {app.Key}");
            foreach (var (snapshot, reasons) in app)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(reasons.IsEmpty ? "forget" : "keep"),-6}  {snapshot.Id,-32} {snapshot.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss}  {string.Join(", ", reasons)}").TrimEnd());
        }

        var gone = decisions.Count(d => !d.Keep);
        Console.WriteLine($"{decisions.Length - gone} kept, {gone} {(dryRun ? "would be forgotten" : gone > 0 ? "forgotten; free the space with 'relocate snapshot prune'" : "forgotten")}");
    }
}

/// <summary>The options that make a policy.</summary>
internal sealed class PolicyOptions
{
    private readonly Option<int> _last = Count("--keep-last", "the newest");
    private readonly Option<int> _hourly = Count("--keep-hourly", "the newest of each of the last N hours that have any");
    private readonly Option<int> _daily = Count("--keep-daily", "the newest of each of the last N days that have any");
    private readonly Option<int> _weekly = Count("--keep-weekly", "the newest of each of the last N weeks that have any");
    private readonly Option<int> _monthly = Count("--keep-monthly", "the newest of each of the last N months that have any");
    private readonly Option<string?> _within = new("--keep-within") { Description = "Keep all that are at most so much older than the app's newest, as in 7d or 12h.", HelpName = "TIME" };
    private readonly Option<string[]> _tags = new("--keep-tag") { Description = "Keep all with this tag; may be given several times.", HelpName = "WORD" };
    private readonly Option<string?> _zone = new("--time-zone") { Description = "Where hours, days, weeks and months begin, as in Europe/Berlin. Default: UTC.", HelpName = "ZONE" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _last, _hourly, _daily, _weekly, _monthly, _within, _tags, _zone })
            command.Options.Add(option);
    }

    public RetentionPolicy Read(ParseResult parse) => new()
    {
        Last = Positive(parse, _last),
        Hourly = Positive(parse, _hourly),
        Daily = Positive(parse, _daily),
        Weekly = Positive(parse, _weekly),
        Monthly = Positive(parse, _monthly),
        Within = parse.GetValue(_within) is { } text ? TimeText.Parse(text, "--keep-within") : TimeSpan.Zero,
        Tags = [.. parse.GetValue(_tags) ?? []],
        TimeZone = Zone(parse.GetValue(_zone)),
    };

    private static Option<int> Count(string name, string what) => new(name) { Description = $"Keep {what}.", HelpName = "N" };

    private static int Positive(ParseResult parse, Option<int> option)
    {
        var count = parse.GetValue(option);
        return count >= 0 ? count : throw new RelocateException($"{option.Name} {count}: not a number of snapshots to keep");
    }

    private static TimeZoneInfo Zone(string? name)
        => name is null ? TimeZoneInfo.Utc : TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone
            : throw new RelocateException($"--time-zone {name}: this machine does not know it; write it as Europe/Berlin (package tzdata has the names)");
}

/// <summary>Times as people write them.</summary>
internal static class TimeText
{
    public static TimeSpan Parse(string text, string option)
        => Configuration.Duration.TryParse(text, out var time) ? time : throw new RelocateException($"{option} '{text}': not a time; write it as 90s, 12h or 7d");
}

/// <summary>What <c>forget --json</c> prints.</summary>
internal sealed record ForgetDocument(bool DryRun, ImmutableArray<ForgetDocument.Row> Kept, ImmutableArray<ForgetDocument.Row> Forgotten)
{
    public static ForgetDocument Of(ImmutableArray<RetentionDecision> decisions, bool dryRun)
        => new(dryRun, [.. decisions.Where(d => d.Keep).Select(Row.Of)], [.. decisions.Where(d => !d.Keep).Select(Row.Of)]);

    internal sealed record Row(string Id, string App, DateTimeOffset CreatedAt, ImmutableArray<string> Tags, ImmutableArray<string> Reasons)
    {
        public static Row Of(RetentionDecision decision)
            => new(decision.Snapshot.Id, decision.Snapshot.App, decision.Snapshot.CreatedAt, decision.Snapshot.Tags, decision.Reasons);
    }
}
