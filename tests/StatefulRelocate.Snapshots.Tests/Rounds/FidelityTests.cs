using System.Globalization;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

public sealed class FidelityTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task Everything_that_a_tree_can_hold_arrives_and_stays_through_a_second_round()
    {
        Shell("""
            mkdir -p dir/deep empty; printf hello > dir/file; printf x > dir/deep/x; : > nothing
            ln -s file dir/link; ln -s /nowhere/at/all dangling
            ln dir/file hard; ln dir/file dir/deep/hard2
            mkfifo pipe; chmod 4755 dir/deep/x; chmod 1777 empty; chmod 0400 nothing
            dd if=/dev/urandom of=big bs=1000 count=777 2>/dev/null
            truncate -s 50M sparse; printf middle | dd of=sparse bs=1 seek=20000001 conv=notrunc 2>/dev/null
            printf bytes > "$(printf 'bad\377name')"; printf nl > "$(printf 'new\nline')"
            touch -d '1965-03-04 05:06:07.123456789' nothing; touch -d '2200-01-01' dir/deep/x; touch -h -d '2001-02-03' dangling
            touch -d '2010-10-10 10:10:10.5' dir
            """);
        await _workspace.MoveAsync();
        var blocks = long.Parse(TreeComparison.Run("stat", "-c", "%b", Path.Combine(_workspace.Target, "sparse")).Output, CultureInfo.InvariantCulture);
        Assert.True(blocks * 512 < 1 << 20, $"the sparse file takes {blocks * 512} bytes");

        Shell("""
            rm dir/link dangling hard; mkdir dangling; printf y > dangling/y; rm -r empty; printf file > empty
            rm pipe; ln -s x pipe; mv big renamed; printf more >> dir/file; truncate -s 10M sparse; chmod 0600 dir/deep/x
            rm dir/deep/x; ln renamed dir/deep/x
            """);
        await _workspace.MoveAsync(final: true);
    }

    [Fact]
    public async Task Extended_attributes_and_acls_arrive()
    {
        var file = Path.Combine(_workspace.Source, "file");
        await File.WriteAllTextAsync(file, "x", Workspace.Cancellation);
        if (Native.FileMetadata.SetAttribute(Native.OpenDirectory.Terminated(file), new Maps.ExtendedAttribute("user.colour", "blue"u8.ToArray())) != 0)
            Assert.Skip("the file system of the temporary directory has no extended attributes");

        // An ACL: version 2, owner rw, user 1234 r, group r, mask r, others none.
        byte[] acl = [2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xD2, 4, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 0x10, 0, 4, 0, 255, 255, 255, 255, 0x20, 0, 0, 0, 255, 255, 255, 255];
        var withAcl = Native.FileMetadata.SetAttribute(Native.OpenDirectory.Terminated(file), new Maps.ExtendedAttribute("system.posix_acl_access", acl)) == 0;
        await _workspace.MoveAsync();
        var arrived = Native.FileMetadata.ReadAttributes(Native.OpenDirectory.Terminated(Path.Combine(_workspace.Target, "file")));
        Assert.Equal("blue"u8.ToArray(), arrived.Single(a => a.Name == "user.colour").Value);
        Assert.Equal(withAcl, arrived.Any(a => a.Name == "system.posix_acl_access"));

        Native.FileMetadata.RemoveAttribute(Native.OpenDirectory.Terminated(file), "user.colour");
        await _workspace.MoveAsync();
        Assert.DoesNotContain(Native.FileMetadata.ReadAttributes(Native.OpenDirectory.Terminated(Path.Combine(_workspace.Target, "file"))), a => a.Name == "user.colour");
    }

    [Fact]
    public async Task Sockets_are_skipped_with_a_warning()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(_workspace.Source, "s")));
        var taken = await _workspace.TakeAsync();
        Assert.Contains("socket", Assert.Single(taken.Warnings), StringComparison.Ordinal);
        await _workspace.RestoreAsync(taken.SnapshotId);
        Assert.True((await _workspace.VerifyAsync(taken.SnapshotId)).Matches);
    }

    public void Dispose() => _workspace.Dispose();

    private void Shell(string script)
    {
        var (code, output) = TreeComparison.Run("sh", "-ec", $"cd '{_workspace.Source}'\n{script}");
        Assert.True(code == 0, output);
    }
}
