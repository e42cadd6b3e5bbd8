using System.Collections.Immutable;
using StatefulRelocate.Core.Activities;
using StatefulRelocate.Core.Saga;

namespace StatefulRelocate.Activities.Streams;

/// <summary>
/// A step of several kinds, done one after the other. Each is a step of its own in the effect journal, so that a retry goes on after the last that is done, and an
/// undo undoes each, the last first.
/// </summary>
internal static class FusedSteps
{
    public static Task<StepOutput> RunAsync(ActivityRequest request, Func<ActivityRequest, Task<StepOutput>> run) =>
        request.Direction == StepDirection.Do ? DoAsync(request, run) : UndoAsync(request, run);

    private static async Task<StepOutput> DoAsync(ActivityRequest request, Func<ActivityRequest, Task<StepOutput>> run)
    {
        var done = ImmutableArray.CreateBuilder<FusedOutput>();
        var captures = request.Captures;
        foreach (var part in PartsOf(request))
        {
            StepOutput output;
            try
            {
                output = await run(part with { Captures = captures }).ConfigureAwait(false);
            }
            catch (ActivityException error)
            {
                throw new ActivityException(error.Failure with { Fused = done.ToImmutable() }, error);
            }

            done.Add(new FusedOutput(part.Step, output, output.Took ?? TimeSpan.Zero));
            captures = captures.Add(new CapturedOutput(part.Step, output));
        }

        return new StepOutput { Fused = done.ToImmutable(), Warnings = [.. done.SelectMany(static part => part.Output.Warnings)] };
    }

    private static async Task<StepOutput> UndoAsync(ActivityRequest request, Func<ActivityRequest, Task<StepOutput>> run)
    {
        var undone = new StepOutput();
        foreach (var part in PartsOf(request).Reverse())
        {
            var output = await run(part).ConfigureAwait(false);
            undone = undone with { Parts = undone.Parts.AddRange(output.Parts), Warnings = undone.Warnings.AddRange(output.Warnings) };
        }

        return undone;
    }

    private static IEnumerable<ActivityRequest> PartsOf(ActivityRequest request) =>
        request.Fused.Select(kind => request with { Step = kind, Kind = kind, Fused = [] }).Prepend(request with { Fused = [] });
}
