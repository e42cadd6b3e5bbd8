namespace StatefulRelocate.Cli.Tests;

/// <summary>A repository of the configuration whose key a command prints.</summary>
public sealed class ConfiguredKeyTests : IDisposable
{
    private const string Key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private readonly RelocateProgram _program = new();

    [Fact]
    public async Task A_command_in_the_configuration_gives_the_key()
    {
        await PrepareAsync("[/bin/sh, -c, 'cat repo.key; echo more']");
        (await LookAsync()).MustBeRefused("has no writer record of app 'web'");
    }

    [Theory]
    [InlineData("[/bin/sh, -c, 'echo hunter2']", "repository 'main': what its keyCommand printed: not a key")]
    [InlineData("[/bin/sh, -c, 'tr 0-9 9 <repo.key']", "wrong key")]
    [InlineData("[/bin/sh, -c, 'cat repo.key; : hunter2; exit 3']", "repository 'main': its keyCommand '/bin/sh' ended with exit code 3")]
    [InlineData("[/bin/sh, -c, ': hunter2']", "repository 'main': its keyCommand '/bin/sh' printed nothing")]
    [InlineData("[/no/such/program, hunter2]", "repository 'main': its keyCommand '/no/such/program' cannot be run")]
    public async Task A_command_that_gives_none_is_named_and_neither_its_arguments_nor_what_it_printed_are_shown(string command, string because)
    {
        await PrepareAsync(command);
        var ended = await LookAsync();
        ended.MustBeRefused(because);
        Assert.DoesNotContain("hunter2", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("aabbccdd", ended.Errors, StringComparison.Ordinal);
    }

    public void Dispose() => _program.Dispose();

    private Task<Ended> LookAsync() => _program.RunAsync("lease", "show", "web", "--repo", "main", "--config", "config.yaml");

    private async Task PrepareAsync(string command)
    {
        await File.WriteAllTextAsync(_program.In("repo.key"), Key + "\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            _program.In("config.yaml"), $"apiVersion: relocate/v1alpha1\nkind: Config\nrepositories:\n  main: {{url: 'dir:repository', keyCommand: {command}}}\n", TestContext.Current.CancellationToken);
        (await _program.RunAsync("repo", "init", "--key-file", "repo.key")).MustBe(0);
    }
}
