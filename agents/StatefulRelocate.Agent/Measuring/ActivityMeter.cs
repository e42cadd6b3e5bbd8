using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;
using StatefulRelocate.Hosting.Metrics;
using Temporalio.Activities;
using Temporalio.Client.Interceptors;
using Temporalio.Worker.Interceptors;

namespace StatefulRelocate.Agent.Measuring;

/// <summary>Counts the activities that run here and what became of them, by their kind.</summary>
internal sealed class ActivityMeter(MetricRegistry registry) : IClientInterceptor, IWorkerInterceptor
{
    private readonly Metric _running = registry.Get("relocate_activities_running", "Activities that run now.", MetricKind.Gauge);
    private readonly Metric _ended = registry.Get("relocate_activities_total", "Activities that ended, by result: done, failed, or cancelled or given up.", MetricKind.Counter);
    private readonly Metric _duration = registry.Get("relocate_activity_seconds", "How long activities took.", MetricKind.Histogram);
    private readonly Metric _bytes = registry.Get("relocate_bytes_total", "Bytes that snapshots put into the repository and restores wrote to volumes.", MetricKind.Counter);

    public ActivityInboundInterceptor InterceptActivity(ActivityInboundInterceptor nextInterceptor) => new Inbound(this, nextInterceptor);

    private async Task<object?> MeasureAsync(string kind, StepDirection direction, Func<Task<object?>> run)
    {
        var labels = MetricLabels.None.With("kind", kind).With("direction", direction == StepDirection.Do ? "do" : "undo");
        var began = TimeProvider.System.GetTimestamp();
        var result = "failed";
        _running.Add(1, labels);
        try
        {
            var output = await run().ConfigureAwait(false);
            result = "done";
            if (output is StepOutput { Figures.BytesShipped: var bytes })
                _bytes.Add(bytes, labels);
            return output;
        }
        catch (OperationCanceledException)
        {
            result = "cancelled";
            throw;
        }
        finally
        {
            _running.Add(-1, labels);
            _ended.Add(1, labels.With("result", result));
            _duration.Observe(TimeProvider.System.GetElapsedTime(began).TotalSeconds, labels);
        }
    }

    private sealed class Inbound(ActivityMeter meter, ActivityInboundInterceptor next) : ActivityInboundInterceptor(next)
    {
        public override Task<object?> ExecuteActivityAsync(ExecuteActivityInput input) =>
            meter.MeasureAsync(
                ActivityExecutionContext.Current.Info.ActivityType,
                input.Args is [ActivityRequest request, ..] ? request.Direction : StepDirection.Do,
                () => base.ExecuteActivityAsync(input));
    }
}
