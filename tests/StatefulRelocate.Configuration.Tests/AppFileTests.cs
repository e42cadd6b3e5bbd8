using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Configuration.Tests;

public sealed class AppFileTests
{
    private const string Sketch = """
        apiVersion: relocate/v1alpha1
        kind: App
        name: images
        volumes: [{name: data}]
        processes: [{name: web, user: app, command: [./server, --data, "${volumes.data}", --listen, "${address}:8080"],
                     env: {}, workingDirectory: "${volumes.data}", stop: {signal: TERM, grace: 5s}}]
        readiness: {http: {port: 8080, path: /ready}, period: 10ms, timeout: 5s}
        hooks: {settle: {exec: [sync], timeout: 1m30s, onError: ignore}, quiesce: {exec: {command: [./checkpoint], user: app}}}
        """;

    [Fact]
    public void The_documented_sketch_loads_with_every_field()
    {
        using var file = new TemporaryFile(Sketch);
        var app = AppFile.Load(file.Path);
        Assert.Equal("images", app.Name);
        Assert.Equal(["data"], app.Volumes.Select(volume => volume.Name));
        var process = Assert.Single(app.Processes);
        Assert.Equal(("web", "app"), (process.Name, process.User));
        Assert.Equal([Path.Combine(file.Directory, "server"), "--data", "${volumes.data}", "--listen", "${address}:8080"], process.Command);
        Assert.Empty(process.Environment);
        Assert.Equal("${volumes.data}", process.WorkingDirectory);
        Assert.Equal(new StopPolicy { Signal = "TERM", Grace = TimeSpan.FromSeconds(5) }, process.Stop);
        Assert.Equal(new HttpProbe(8080, "/ready"), app.Readiness?.Http);
        Assert.Equal((TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(5)), (app.Readiness!.Period, app.Readiness.Timeout));
        Assert.Equal((TimeSpan.FromSeconds(90), HookErrorPolicy.Ignore), (app.Hooks.Settle!.Timeout, app.Hooks.Settle.OnError));
        Assert.Equal(["sync"], app.Hooks.Settle.Exec.Command);
        Assert.Equal((Path.Combine(file.Directory, "checkpoint"), "app"), (app.Hooks.Quiesce!.Exec.Command[0], app.Hooks.Quiesce.Exec.User));
        Assert.Equal((TimeSpan.FromSeconds(5), HookErrorPolicy.Fail), (app.Hooks.Quiesce.Timeout, app.Hooks.Quiesce.OnError));
        Assert.Null(app.Hooks.Unquiesce);
    }

    [Fact]
    public void An_app_needs_no_more_than_a_name_and_a_process()
    {
        using var file = new TemporaryFile(Rejected.AppHeader + "name: tiny\nprocesses: [{name: main, command: [sleep, infinity]}]\n");
        var app = AppFile.Load(file.Path);
        Assert.Equal(["sleep", "infinity"], app.Processes[0].Command);
        Assert.Empty(app.Volumes);
        Assert.Null(app.Readiness);
    }

    [Fact]
    public void Variables_of_the_environment_are_texts_whatever_they_look_like()
    {
        using var file = new TemporaryFile(Rejected.AppHeader + "name: a\nprocesses: [{name: m, command: [x], env: {PORT: 8080, ON: true, NONE: , TEXT: \"a: b\"}}]\n");
        var environment = AppFile.Load(file.Path).Processes[0].Environment;
        Assert.Equal([("NONE", ""), ("ON", "true"), ("PORT", "8080"), ("TEXT", "a: b")], environment.Select(pair => (pair.Key, pair.Value)));
    }

    [Fact]
    public void Variables_of_a_shell_are_left_alone()
    {
        using var file = new TemporaryFile(Rejected.AppHeader + "name: a\nprocesses: [{name: m, command: [sh, -c, 'echo ${HOME} ${x:-y} $1']}]\n");
        Assert.Equal("echo ${HOME} ${x:-y} $1", AppFile.Load(file.Path).Processes[0].Command[2]);
    }

    [Theory]
    [InlineData("nmae: images\n", "3:1: unknown field 'nmae' in the file; did you mean 'name'?")]
    [InlineData("name: images\n", "1:1: 'processes' is missing in the file; add 'processes:'")]
    [InlineData("name: Images\nprocesses: [{name: m, command: [x]}]\n", "3:7: name is 'Images'; use lower-case letters, digits and dashes, at most 63, a letter or digit first and last")]
    [InlineData("name: [a]\nprocesses: []\n", "3:7: name is a list; it must be text")]
    [InlineData("name: a\nprocesses: []\n", "4:12: processes is empty; give it at least one entry")]
    [InlineData("name: a\nprocesses: {}\n", "4:12: processes is a mapping; it must be a list")]
    [InlineData("name: a\nprocesses: [x]\n", "4:13: processes[0] is text; it must be a mapping (name: value)")]
    [InlineData("name: a\nprocesses: [{name: m}]\n", "4:13: 'command' is missing in processes[0]; add 'command:'")]
    [InlineData("name: a\nprocesses: [{name: m, command: run me}]\n", "4:32: processes[0].command is not a list; write the program and its arguments as a list: [program, --option, value]")]
    [InlineData("name: a\nprocesses: [{name: m, command: []}]\n", "4:32: processes[0].command is empty; give it at least one entry")]
    [InlineData("name: a\nprocesses: [{name: m, command: ['']}]\n", "4:32: processes[0].command has no program; write the program first")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}, {name: m, command: [x]}]\n", "4:45: processes[1].name: 'm' stands here twice; give each its own name")]
    [InlineData("name: a\nvolumes: [{name: data}]\nprocesses: [{name: m, command: [x, '${volumes.dta}']}]\n", "5:36: unknown variable '${volumes.dta}' in processes[0].command[1]; did you mean 'volumes.data'?")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x], env: {A: '${zzz}'}}]\n", "4:46: unknown variable '${zzz}' in processes[0].env.A; known are ${address} and ${cluster}")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x], env: {A=B: c}}]\n", "4:43: 'A=B' is no name of a variable; write NAME: value")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x], stop: {grace: 5}}]\n", "4:51: processes[0].stop.grace is '5'; write a duration with its unit, as in 500ms, 5s, 1m30s or 24h")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x], stop: {grace: 2h}}]\n", "4:51: processes[0].stop.grace is 2h; write a duration from 0s to 1h")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x], stop: {signal: STOP}}]\n", "4:52: processes[0].stop.signal is 'STOP'; write ABRT, ALRM, CONT, HUP, INT, KILL, QUIT, TERM, USR1, USR2 or WINCH")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}]\nreadiness: {period: 1s}\n", "5:12: readiness has no probe; give it exactly one of http, tcp and exec")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}]\nreadiness: {tcp: {port: 1}, exec: [x]}\n", "5:12: readiness has tcp and exec; give it exactly one of http, tcp and exec")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}]\nreadiness: {tcp: {port: 99999}}\n", "5:25: readiness.tcp.port is '99999'; write a whole number from 1 to 65535")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}]\nreadiness: {http: {port: 80, path: ready}}\n", "5:36: readiness.http.path is 'ready'; write a path that begins with /")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}]\nhooks: {settle: {exec: [x], onError: ignored}}\n", "5:38: hooks.settle.onError is 'ignored'; did you mean 'ignore'?")]
    [InlineData("name: a\nprocesses: [{name: m, command: [x]}]\nhooks: {start: {exec: [x]}}\n", "5:9: unknown field 'start' in hooks; did you mean 'started'?")]
    public void What_is_wrong_is_named_with_line_column_and_a_way_out(string body, string message)
        => Assert.Equal(message, Rejected.App(body));
}
