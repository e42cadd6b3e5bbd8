using System.Text;

namespace StatefulRelocate.Configuration.Tests;

public sealed class HostileFileTests
{
    [Theory]
    [InlineData("", "1:1: the file is empty; it must begin with 'apiVersion: relocate/v1alpha1' and 'kind: App'")]
    [InlineData("# nothing\n", "1:1: the file is empty; it must begin with 'apiVersion: relocate/v1alpha1' and 'kind: App'")]
    [InlineData("just text\n", "1:1: the file is text; it must be a mapping (name: value)")]
    [InlineData("kind: App\n", "1:1: 'apiVersion' is missing in the file; add 'apiVersion:'")]
    [InlineData("apiVersion: relocate/v2\nkind: App\n", "1:13: apiVersion 'relocate/v2' is not known; write 'apiVersion: relocate/v1alpha1'")]
    [InlineData("apiVersion: relocate/v1alpha1\nkind: Config\nclusters: {}\n", "2:7: this file is of kind 'Config', but 'App' is needed here; name the right file, or write 'kind: App'")]
    [InlineData("apiVersion: relocate/v1alpha1\nkind: App\nname: a\n---\nname: b\n", "4:1: a second document begins here; one file holds one document; make it a file of its own")]
    [InlineData("a: &x [1]\nb: *x\n", "1:4: anchors and aliases are not allowed; write the value out where it is needed")]
    [InlineData("a: !!python/object:os.system x\n", "1:4: tags are not allowed; remove what begins with '!', or put quotes around it")]
    [InlineData("? [a]\n: b\n", "1:3: a key in the file is not plain text; write 'name: value'")]
    public void A_file_that_is_not_what_it_should_be_is_refused(string text, string message)
        => Assert.Equal(message, Rejected.Whole(text, path => AppFile.Load(path)));

    [Theory]
    [InlineData("name: a\nname: b\n", "4:1: duplicate key name; remove one of the two")]
    [InlineData("name: \"a\n", "3:7: ")]
    [InlineData("name: [a\n", "4:1: ")]
    [InlineData("name:\n\t- a\n", "4:1: ")]
    public void Broken_yaml_is_refused_where_it_breaks(string body, string start)
        => Assert.StartsWith(start, Rejected.App(body), StringComparison.Ordinal);

    [Fact]
    public void A_nest_without_end_is_refused_before_it_fills_the_stack()
        => Assert.Equal("1:17: nested deeper than 16 levels; no file of this program needs that; is it the right one?",
            Rejected.Whole(new string('[', 500_000), path => AppFile.Load(path)));

    [Fact]
    public void Too_many_values_are_refused()
        => Assert.Contains("more than 20000 values", Rejected.App("name: [" + string.Join(",", Enumerable.Repeat("a", 30_000)) + "]\n"), StringComparison.Ordinal);

    [Fact]
    public void A_huge_file_is_refused_unread()
        => Assert.Equal(" the file is larger than 1 MiB; is it the right one?", Rejected.Message("/dev/zero", path => AppFile.Load(path)));

    [Fact]
    public void A_directory_is_refused()
        => Assert.Equal(" is a directory; name a file", Rejected.Message("/tmp", path => AppFile.Load(path)));

    [Fact]
    public void A_binary_file_is_refused()
    {
        using var file = new TemporaryFile([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0xc0]);
        Assert.Equal(" the file is not UTF-8 text; is it the right one?", Rejected.Message(file.Path, path => AppFile.Load(path)));
    }

    [Fact]
    public void A_byte_order_mark_is_accepted()
    {
        using var file = new TemporaryFile([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Rejected.AppHeader + "name: a\nprocesses: [{name: m, command: [x]}]\n")]);
        Assert.Equal("a", AppFile.Load(file.Path).Name);
    }
}
