using System.Net;
using Npgsql;

namespace StatefulRelocate.EndToEnd.Tests.Postgres;

/// <summary>Inserts numbered rows, one a transaction, first here and, once that is gone, there; writes down which commits were acknowledged.</summary>
internal sealed class RowWriter : IAsyncDisposable
{
    private readonly IPAddress[] _servers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private readonly List<long> _acknowledged = [];
    private readonly List<long> _unclear = [];
    private long _next;

    private RowWriter(params IPAddress[] servers)
    {
        _servers = servers;
        _writing = Task.Run(WriteAsync);
    }

    public int Acknowledged
    {
        get
        {
            lock (_acknowledged)
                return _acknowledged.Count;
        }
    }

    /// <summary>The last server that acknowledged a commit.</summary>
    public IPAddress? LastServer { get; private set; }

    public static string ConnectionString(IPAddress server) =>
        $"Host={server};Port={PostgresTests.Port};Username=tester;Database=postgres;Timeout=2;Command Timeout=2;Pooling=false;Include Error Detail=true";

    public static async Task<RowWriter> StartAsync(IPAddress source, IPAddress target)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(source));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var create = new NpgsqlCommand("create table numbers (id bigint not null, filler text not null); create index on numbers (id)", connection);
        await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return new RowWriter(source, target);
    }

    /// <summary>Ends it and returns the numbers whose commit was acknowledged, and those of which nobody knows.</summary>
    public async Task<(IReadOnlyList<long> Acknowledged, IReadOnlyList<long> Unclear)> StopAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        return (_acknowledged, _unclear);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        for (var turn = 0; !_stop.IsCancellationRequested; turn++)
        {
            var server = _servers[turn % _servers.Length];
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString(server));
                await connection.OpenAsync(_stop.Token);
                await InsertAsync(connection, server);
            }
            catch (Exception error) when (error is NpgsqlException or OperationCanceledException or TimeoutException or IOException)
            {
                await Task.WhenAny(Task.Delay(10, _stop.Token));
            }
        }
    }

    private async Task InsertAsync(NpgsqlConnection connection, IPAddress server)
    {
        while (!_stop.IsCancellationRequested)
        {
            var number = _next++;
            await using var insert = new NpgsqlCommand("insert into numbers values ($1, repeat('x', 500))", connection);
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = number });
            try
            {
                // A commit in flight is let finish: a cancelled one would be unclear without need.
                await insert.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch
            {
                _unclear.Add(number);
                throw;
            }

            lock (_acknowledged)
                _acknowledged.Add(number);
            LastServer = server;
        }
    }
}
