using StatefulRelocate.Snapshots.Native;
using StatefulRelocate.Snapshots.Tests.Fixtures;

namespace StatefulRelocate.Snapshots.Tests.Rounds;

/// <summary>What is remembered of a file's holes while it is open.</summary>
public sealed class HoleTests : IDisposable
{
    private const long Piece = 1 << 20;
    private readonly Workspace _workspace = new();

    [Fact]
    public void A_hole_that_was_filled_is_data_and_data_that_was_punched_may_still_be_read()
    {
        var path = _workspace.In(_workspace.Source, "sparse");
        using var writer = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        writer.Write(new byte[Piece].AsSpan());
        writer.SetLength(3 * Piece);
        using var directory = OpenDirectory.Open(_workspace.Source);
        using var file = directory.OpenAt("sparse", Posix.ReadWrite);
        Assert.Equal((0, Piece), file.NextData(0, 3 * Piece));
        Assert.Equal((3 * Piece, 3 * Piece), file.NextData(Piece, 3 * Piece));

        writer.Position = 2 * Piece;
        writer.Write(new byte[Piece].AsSpan());
        Assert.Equal((2 * Piece, 3 * Piece), file.NextData(Piece, 3 * Piece));
        writer.Position = Piece;
        writer.Write(new byte[Piece].AsSpan());
        Assert.Equal((Piece, 3 * Piece), file.NextData(Piece, 3 * Piece));

        // Somebody else's hole is not seen, and nobody misses a write by that: what is read there are zeros.
        using (var other = directory.OpenAt("sparse", Posix.ReadWrite))
            other.PunchHole(2 * Piece, Piece);
        var content = new byte[8192];
        Assert.Equal(8192, file.Read(content, 2 * Piece));
        Assert.Equal(new byte[8192], content);
        Assert.Equal((2 * Piece, 3 * Piece), file.NextData(2 * Piece, 3 * Piece));

        file.PunchHole(0, Piece);
        Assert.Equal((Piece, 2 * Piece), file.NextData(0, 3 * Piece));
        Assert.Equal((3 * Piece, 3 * Piece), file.NextData(2 * Piece, 3 * Piece));
    }

    public void Dispose() => _workspace.Dispose();
}
