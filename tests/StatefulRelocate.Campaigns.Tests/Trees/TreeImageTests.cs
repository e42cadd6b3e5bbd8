using StatefulRelocate.Campaigns.Tests.Programs;

namespace StatefulRelocate.Campaigns.Tests.Trees;

/// <summary>The comparison that the campaigns rest on sees what it has to see.</summary>
public sealed class TreeImageTests : IDisposable
{
    private readonly Scratch _scratch = new();

    [Theory]
    [InlineData("nothing")]
    [InlineData("content")]
    [InlineData("length")]
    [InlineData("mode")]
    [InlineData("owner")]
    [InlineData("time")]
    [InlineData("nanosecond")]
    [InlineData("attribute")]
    [InlineData("link text")]
    [InlineData("hard link")]
    [InlineData("kind")]
    [InlineData("missing")]
    [InlineData("added")]
    [InlineData("filled hole")]
    public void It_sees_every_difference(string difference)
    {
        var path = _scratch.Make("tree");
        var file = Posix.Latin(Path.Combine(path, "a"));
        File.WriteAllBytes(file, [1, 2, 3]);
        File.WriteAllBytes(Path.Combine(path, "b"), new byte[100]);
        Posix.MakeHardLink(file, file + "2");
        Posix.MakeSymbolicLink("text", file + "3");
        Posix.With(file + "4", Posix.ReadWrite | Posix.Create, descriptor => Posix.SetLength(descriptor, 1 << 20));
        foreach (var name in new[] { file, file + "2", file + "3", file + "4", Posix.Latin(Path.Combine(path, "b")), Posix.Latin(path) })
            Posix.SetModified(name, 1_700_000_000, 5);
        var before = TreeImage.Of(path);
        switch (difference)
        {
            case "content":
                Posix.With(file, Posix.WriteOnly, descriptor => Posix.WriteAll(descriptor, [9], 1));
                break;
            case "length":
                Posix.With(file + "4", Posix.WriteOnly, descriptor => Posix.SetLength(descriptor, (1 << 20) - 1));
                break;
            case "mode":
                Posix.SetMode(file, 0x9A4);
                break;
            case "owner":
                Assert.SkipUnless(Environment.UserName == "root", "only root gives files away");
                Posix.SetOwner(file, 5, 5);
                break;
            case "time":
                Posix.SetModified(file, 1_700_000_001, 5);
                break;
            case "nanosecond":
                Posix.SetModified(Posix.Latin(path), 1_700_000_000, 6);
                break;
            case "attribute":
                Posix.SetAttribute(file, "user.x", [1]);
                break;
            case "link text":
                Posix.Delete(file + "3");
                Posix.MakeSymbolicLink("texu", file + "3");
                break;
            case "hard link":
                Posix.Delete(file + "2");
                File.Copy(file, file + "2");
                break;
            case "kind":
                Posix.Delete(file + "3");
                Posix.MakeFifo(file + "3");
                break;
            case "missing":
                Posix.Delete(file + "3");
                break;
            case "added":
                File.WriteAllBytes(Path.Combine(path, "c"), []);
                break;
            case "filled hole":
                Posix.With(file + "4", Posix.WriteOnly, descriptor => Posix.WriteAll(descriptor, new byte[1 << 20], 0));
                break;
        }

        // Put back, so that each difference stands for itself.
        if (difference is not ("nothing" or "time" or "nanosecond" or "missing"))
        {
            foreach (var name in Directory.GetFileSystemEntries(path).Append(path))
                Posix.SetModified(Posix.Latin(name), 1_700_000_000, 5);
        }

        var after = TreeImage.Of(path);
        if (difference == "nothing")
            before.RequireSameAs(after, difference);
        else
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => before.RequireSameAs(after, difference));
    }

    public void Dispose() => _scratch.Dispose();
}
