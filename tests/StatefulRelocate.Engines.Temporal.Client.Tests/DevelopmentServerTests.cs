using StatefulRelocate.TestSupport.Servers;
using Temporalio.Api.Enums.V1;

namespace StatefulRelocate.Engines.Temporal.Client.Tests;

public sealed class DevelopmentServerTests
{
    [Fact]
    public async Task A_killed_server_that_is_started_again_has_its_workflows()
    {
        await using var server = await TemporalServer.TryStartAsync(new TemporalServerOptions { Durable = true }, TestContext.Current.CancellationToken);
        if (server is null)
            Assert.Skip(TemporalServer.Missing);
        var client = await server.ConnectAsync();
        await client.StartWorkflowAsync("Nobody", [], new("kept", "nobody"));

        await server.KillAsync();
        await server.StartAgainAsync(TestContext.Current.CancellationToken);

        var found = await client.GetWorkflowHandle("kept").DescribeAsync();
        Assert.Equal(WorkflowExecutionStatus.Running, found.Status);
    }
}
