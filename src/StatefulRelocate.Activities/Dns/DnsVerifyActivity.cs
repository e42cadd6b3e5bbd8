using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Plans;

namespace StatefulRelocate.Activities.Dns;

/// <summary>Every authoritative server answers the new record set.</summary>
internal sealed class DnsVerifyActivity(IAgentEnvironment environment) : IActivity
{
    public string Kind => StepKind.DnsVerify;

    public async Task<StepOutput> DoAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var name = AppRecordSet.Of(context.Request.Spec);
        var next = name.At(environment.Cluster.Address);
        var answers = await name.AskAsync(environment, cancellationToken).ConfigureAwait(false);
        if (answers.Count == 0)
            throw new ActivityException("dns-unanswered", $"no DNS server answers for {name.FullName}");
        foreach (var answer in answers)
        {
            if (answer.RecordSet is null)
                throw new ActivityException("dns-unanswered", $"DNS server {answer.Server} does not answer for {name.FullName}");
            if (!next.Equals(answer.RecordSet))
                throw new ActivityException(
                    "dns-not-yet", $"DNS server {answer.Server} gives {string.Join(" ", answer.RecordSet.Records)} for {name.FullName}, not {string.Join(" ", next.Records)}");
        }

        return new StepOutput();
    }

    public Task<StepOutput> UndoAsync(ActivityContext context, CancellationToken cancellationToken) => Task.FromResult(new StepOutput());
}
