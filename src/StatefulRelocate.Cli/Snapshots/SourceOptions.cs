using System.CommandLine;
using StatefulRelocate.Configuration;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.ChangedRanges;
using StatefulRelocate.Snapshots.Consistency;
using StatefulRelocate.Snapshots.Rounds;

namespace StatefulRelocate.Cli.Snapshots;

/// <summary>The options that say what a snapshot reads, and how it finds what changed.</summary>
internal sealed class SourceOptions
{
    private readonly Option<string?> _ranges = new("--changed-ranges") { Description = "How to find what changed in a file: scan it, or compare reflinks that are kept in DIR (XFS, btrfs). auto: reflink where that can be. Default: scan.", HelpName = "HOW" };
    private readonly Option<string?> _snapshot = new("--source-snapshot") { Description = "auto: read from a btrfs snapshot, or files from reflinks, where the file system can; off: the live files. Default: off.", HelpName = "HOW" };
    private readonly Option<bool> _quiesced = new("--quiesced") { Description = "Nothing writes to DIR any more, as its app is stopped: no reflinks are made of what changed, and a file that changes all the same, or cannot be read, fails the snapshot." };
    private readonly Option<string?> _before = new("--pre-hook") { Description = "A command for sh to run first; when it fails, nothing is taken.", HelpName = "COMMAND" };
    private readonly Option<string?> _after = new("--post-hook") { Description = "A command for sh to run as soon as DIR is not read any more, whatever happened.", HelpName = "COMMAND" };
    private readonly Option<string?> _timeout = new("--hook-timeout") { Description = "A hook that takes longer is killed, and has failed. Default: 1m.", HelpName = "TIME" };

    public SourceOptions()
    {
        _ranges.CompletionSources.Add("auto", "scan", "reflink");
        _snapshot.CompletionSources.Add("auto", "off");
    }

    public void AddTo(Command command)
    {
        command.Options.Add(_ranges);
        command.Options.Add(_snapshot);
        command.Options.Add(_quiesced);
        command.Options.Add(_before);
        command.Options.Add(_after);
        command.Options.Add(_timeout);
    }

    public SnapshotRequest ApplyTo(SnapshotRequest request, ParseResult parse) => request with
    {
        ChangedRanges = parse.GetValue(_ranges) switch
        {
            null or "scan" => ChangedRangesMode.Scan,
            "auto" => ChangedRangesMode.Auto,
            "reflink" => ChangedRangesMode.Reflink,
            var other => throw new RelocateException($"--changed-ranges {other}: there are 'auto', 'scan' and 'reflink'"),
        },
        SourceSnapshot = parse.GetValue(_snapshot) switch
        {
            null or "off" => SourceSnapshotMode.Off,
            "auto" when parse.GetValue(_quiesced) => throw new RelocateException("--quiesced and --source-snapshot auto: whether something still writes is seen in the live files only; leave one of them out"),
            "auto" => SourceSnapshotMode.Auto,
            var other => throw new RelocateException($"--source-snapshot {other}: there are 'auto' and 'off'"),
        },
        Final = parse.GetValue(_quiesced),
        Hooks = new SourceHooks { Before = parse.GetValue(_before), After = parse.GetValue(_after), Timeout = Timeout(parse.GetValue(_timeout)) },
    };

    private static TimeSpan Timeout(string? text)
    {
        if (text is null)
            return new SourceHooks().Timeout;
        return Duration.TryParse(text, out var timeout) && timeout > TimeSpan.Zero && timeout <= TimeSpan.FromHours(24) ? timeout
            : throw new RelocateException($"--hook-timeout {text}: write a time up to 24h, as in 30s or 5m");
    }
}
