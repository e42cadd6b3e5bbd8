using System.Net;
using System.Net.Sockets;
using StatefulRelocate.Clusters.Local.Keeping;
using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Clusters.Local;

/// <summary>Everything that a start would need, seen before anything is touched.</summary>
internal static class InstallChecks
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static void Check(AppDefinition definition, AppLayout layout, LocalClusterOptions options)
    {
        if (definition.Name.Length is 0 or > 63 || definition.Name.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') || definition.Name[0] == '-' || definition.Name[^1] == '-')
            throw Bad("bad-name", $"'{definition.Name}' is no name of an app: lower-case letters, digits and dashes, at most 63");
        foreach (var volume in definition.Volumes)
        {
            if (volume.Name.Length == 0 || volume.Name is "." or ".." || volume.Name.Contains('/', StringComparison.Ordinal) || volume.Name.Contains('\0', StringComparison.Ordinal))
                throw Bad("bad-name", $"app {definition.Name}: '{volume.Name}' is no name of a volume");
        }

        if (definition.Processes.IsDefaultOrEmpty)
            throw Bad("no-process", $"app {definition.Name}: it has no processes; declare at least one");
        if (definition.Processes.GroupBy(process => process.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw Bad("bad-name", $"app {definition.Name}: two processes are named {twice.Key}");
        var variables = new AppVariables(definition, layout, options.Name, options.Address);
        foreach (var process in definition.Processes)
            CheckProcess(definition, process, variables);
        CheckExec(definition, definition.Readiness?.Exec, "readiness", variables);
        CheckExec(definition, definition.Hooks.Settle?.Exec, "hook settle", variables);
        CheckExec(definition, definition.Hooks.Quiesce?.Exec, "hook quiesce", variables);
        CheckExec(definition, definition.Hooks.Unquiesce?.Exec, "hook unquiesce", variables);
        CheckExec(definition, definition.Hooks.Started?.Exec, "hook started", variables);
        if ((definition.Readiness?.Http?.Port ?? definition.Readiness?.Tcp?.Port) is { } port)
            CheckPort(definition, options.Address, port);
    }

    /// <summary>The file that a command's first word names, or null.</summary>
    public static string? FindProgram(string name, string workingDirectory, string? path)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            var file = Path.GetFullPath(name, workingDirectory);
            return IsExecutable(file) ? file : null;
        }

        foreach (var directory in (path ?? "/usr/local/bin:/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var file = Path.Combine(directory, name);
            if (IsExecutable(file))
                return file;
        }

        return null;
    }

    private static void CheckProcess(AppDefinition definition, AppProcess process, AppVariables variables)
    {
        var where = $"app {definition.Name}: process {process.Name}";
        if (process.Name.Length == 0 || process.Name.Contains('/', StringComparison.Ordinal) || process.Name is "." or "..")
            throw Bad("bad-name", $"{where}: '{process.Name}' is no name of a process");
        if (process.Command.IsDefaultOrEmpty)
            throw Bad("program-missing", $"{where}: it has no command");
        if (SignalNames.Find(process.Stop.Signal) is null)
            throw Bad("bad-signal", $"{where}: stop: signal {process.Stop.Signal} is not known; known are {SignalNames.All}");
        var account = ProcessLauncher.AccountOf(process.User, where);
        if (account is not null)
            CheckSetpriv(where);
        var command = variables.Command(process.Command, $"process {process.Name}: command");
        var environment = variables.Environment(process.Name, account);
        variables.AddDeclared(environment, process);
        var directory = variables.WorkingDirectory(process);

        // What lies in the volumes comes with the data; it cannot be looked for before the data is here.
        if (!IsInVolume(command[0], directory, definition, variables) && FindProgram(command[0], directory, environment.GetValueOrDefault("PATH")) is null)
            throw Bad("program-missing", $"{where}: {command[0]} does not exist or is not executable (looked for from {directory})");
    }

    private static void CheckExec(AppDefinition definition, ExecCommand? exec, string where, AppVariables variables)
    {
        if (exec is null)
            return;
        if (exec.Command.IsDefaultOrEmpty)
            throw Bad("program-missing", $"app {definition.Name}: {where}: it has no command");
        if (ProcessLauncher.AccountOf(exec.User, $"app {definition.Name}: {where}") is not null)
            CheckSetpriv(where);
        var command = variables.Command(exec.Command, where);
        if (!IsInVolume(command[0], "/", definition, variables) && FindProgram(command[0], variables.AppDirectory, Environment.GetEnvironmentVariable("PATH")) is null)
            throw Bad("program-missing", $"app {definition.Name}: {where}: {command[0]} does not exist or is not executable");
    }

    private static bool IsInVolume(string program, string directory, AppDefinition definition, AppVariables variables)
        => program.Contains('/', StringComparison.Ordinal)
            && definition.Volumes.Any(volume => Path.GetFullPath(program, directory).StartsWith(variables.Expand($"${{volumes.{volume.Name}}}", "volume") + "/", StringComparison.Ordinal));

    private static void CheckSetpriv(string where)
    {
        if (FindProgram("setpriv", "/", Environment.GetEnvironmentVariable("PATH")) is null)
            throw Bad("program-missing", $"{where}: setpriv (util-linux) is needed to run as another user; install it");
    }

    private static void CheckPort(AppDefinition definition, string address, int port)
    {
        using var socket = new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // As servers do it: a connection that lingers from before is no reason to refuse.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
            socket.Listen(1);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw Bad("port-in-use", $"app {definition.Name}: port {port} on {address} is in use by another program; end it, or choose another port");
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            throw Bad("address-missing", $"app {definition.Name}: {address} is not an address of this machine; give the cluster another one");
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AccessDenied)
        {
            throw Bad("port-refused", $"app {definition.Name}: port {port} on {address} may not be opened by this user; choose one above 1023");
        }
    }

    private static bool IsExecutable(string file) => File.Exists(file) && (File.GetUnixFileMode(file) & AnyExecute) != 0;

    private static ClusterException Bad(string code, string message) => new(code, message, retryable: false);
}
