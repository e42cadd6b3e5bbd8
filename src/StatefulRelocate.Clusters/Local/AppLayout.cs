using System.Security.Cryptography;
using System.Text;

namespace StatefulRelocate.Clusters.Local;

/// <summary>Where everything of one app lies on its cluster.</summary>
internal sealed record AppLayout(string Directory)
{
    public string Definition => Path.Combine(Directory, "definition.json");

    public string WriterState => Path.Combine(Directory, "writer.json");

    public string Desired => Path.Combine(Directory, "desired.json");

    public string Logs => Path.Combine(Directory, "logs");

    /// <summary>What hooks and exec probes print.</summary>
    public string ExecLog => Path.Combine(Logs, "exec.log");

    public string Volumes => Path.Combine(Directory, "volumes");

    public string KeeperDirectory => Path.Combine(Directory, "keeper");

    public string KeeperSettings => Path.Combine(KeeperDirectory, "settings.json");

    public string KeeperRecord => Path.Combine(KeeperDirectory, "keeper.json");

    public string KeeperLock => Path.Combine(KeeperDirectory, "lock");

    public string KeeperLog => Path.Combine(KeeperDirectory, "keeper.log");

    public string Processes => Path.Combine(KeeperDirectory, "processes.json");

    /// <summary>The name of the control socket inside <see cref="KeeperDirectory"/>.</summary>
    public const string SocketName = "control.sock";

    /// <summary>The variable by which every process of the app is known, also when its keeper was killed.</summary>
    public const string MarkerName = "RELOCATE_KEEPER";

    /// <summary>Names this app on this machine, and nothing else; the same after a restart.</summary>
    public string Mark => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Directory)))[..16];

    public string Volume(string name) => Path.Combine(Volumes, name);
}
