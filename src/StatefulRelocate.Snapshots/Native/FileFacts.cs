using StatefulRelocate.Snapshots.Maps;

namespace StatefulRelocate.Snapshots.Native;

/// <summary>What the file system says about one name.</summary>
internal readonly record struct FileFacts(EntryType Type, uint Mode, uint User, uint Group, uint Links, long ModifiedSeconds, uint ModifiedNanoseconds, StatIdentity Identity)
{
    public long Size => Identity.Size;

    public static FileFacts From(in RawStatx raw, DeviceAlias? alias = null)
    {
        var type = (raw.Mode & 0xF000) switch
        {
            0x8000 => EntryType.File,
            0x4000 => EntryType.Directory,
            0xA000 => EntryType.SymbolicLink,
            0x1000 => EntryType.Fifo,
            0xC000 => EntryType.Socket,
            _ => EntryType.Device,
        };
        var device = ((ulong)raw.DeviceMajor << 32) | raw.DeviceMinor;
        var identity = new StatIdentity(
            alias is { } shown && shown.Device == device ? shown.ShownAs : device, raw.Inode, (long)raw.Size,
            raw.ModifiedSeconds * 1_000_000_000 + raw.ModifiedNanoseconds,
            raw.ChangedSeconds * 1_000_000_000 + raw.ChangedNanoseconds);
        return new FileFacts(type, raw.Mode & 0xFFFu, raw.User, raw.Group, raw.Links, raw.ModifiedSeconds, raw.ModifiedNanoseconds, identity);
    }
}

/// <summary>What a skipped file must still be: any write moves at least one of these (unless within one tick of the clock; see the racy rule).</summary>
internal readonly record struct StatIdentity(ulong Device, ulong Inode, long Size, long Modified, long Changed);

/// <summary>A btrfs snapshot has a device number of its own; its files are shown with the number of the tree that it was taken of.</summary>
internal readonly record struct DeviceAlias(ulong Device, ulong ShownAs);
