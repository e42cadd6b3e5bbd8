using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Plans;
using StatefulRelocate.Core.Relocations;
using StatefulRelocate.Core.Tests.Exploration;

namespace StatefulRelocate.Core.Tests;

public sealed class PlannerTests
{
    public static TheoryData<string, RelocationSpec> BadSpecs => new()
    {
        { "source and target are both 'edge-a'", Specs.Example with { Target = "edge-a" } },
        { "app 'Images' is not a valid name", Specs.Example with { App = "Images" } },
        { "source '-a' is not a valid name", Specs.Example with { Source = "-a" } },
        { "target must not be 'nobody'", Specs.Example with { Target = "nobody" } },
        { "repository '' is not a valid name", Specs.Example with { Repository = "" } },
        { "dns.zone 'edge.test.' is not a valid DNS name", Specs.Example with { Dns = Specs.Example.Dns with { Zone = "edge.test." } } },
        { "dns.name 'a..b' is not a valid DNS name", Specs.Example with { Dns = Specs.Example.Dns with { Name = "a..b" } } },
        { "dns.ttl is -1s", Specs.Example with { Dns = Specs.Example.Dns with { Ttl = TimeSpan.FromSeconds(-1) } } },
        { "cutover.maxDowntime is 0s", Specs.With(new CutoverSpec { MaxDowntime = TimeSpan.Zero }) },
        { "cutover.maxBlackout is -1s", Specs.With(new CutoverSpec { MaxBlackout = TimeSpan.FromSeconds(-1) }) },
        { "cutover.maxBlackout (0.1s) is below cutover.maxDowntime (0.5s)", Specs.With(new CutoverSpec { MaxBlackout = TimeSpan.FromMilliseconds(100) }) },
        { "cutover.maxRounds is 0", Specs.With(new CutoverSpec { MaxRounds = 0 }) },
        { "cutover.minimumGain is 1", Specs.With(new CutoverSpec { MinimumGain = 1 }) },
        { "cutover.minimumGain is NaN", Specs.With(new CutoverSpec { MinimumGain = double.NaN }) },
        { "sourceRetention is -3600s", Specs.Example with { SourceRetention = TimeSpan.FromHours(-1) } },
    };

    [Theory]
    [MemberData(nameof(BadSpecs), DisableDiscoveryEnumeration = true)]
    public void A_spec_that_makes_no_sense_is_refused_in_one_line(string says, RelocationSpec spec)
    {
        var error = Assert.Throws<RelocateException>(() => Planner.Plan(spec, "r1"));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(ExitCode.BadInput, error.ExitCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("..")]
    public void A_relocation_id_that_is_no_file_name_is_refused(string id) => Assert.Throws<RelocateException>(() => Planner.Plan(Specs.Example, id));

    [Fact]
    public void Every_dependency_stands_before_what_depends_on_it_and_every_id_once()
    {
        var steps = Planner.Plan(Specs.With(new CutoverSpec { Approval = true }), "r1").Steps;
        var seen = new HashSet<string>();
        foreach (var step in steps)
        {
            Assert.All(step.DependsOn, id => Assert.Contains(id, seen));
            Assert.True(seen.Add(step.Id));
        }
        Assert.All(steps, step => Assert.All(step.UndoAfter, id => Assert.Contains(id, seen)));
        Assert.Equal(StepKind.All.Order(), steps.Select(step => step.Kind).Distinct().Order());
    }

    [Fact]
    public void Without_approval_there_is_no_gate() =>
        Assert.DoesNotContain(Planner.Plan(Specs.Example, "r1").Steps, step => step.Kind == StepKind.Gate);

    [Fact]
    public void A_silent_agent_is_noticed_within_two_seconds_during_the_cutover() =>
        Assert.All(
            Planner.Plan(Specs.Example, "r1").Steps.Where(step => step.Kind is StepKind.Quiesce or StepKind.Fence or StepKind.Start or StepKind.DnsSwitch),
            step => Assert.Equal(TimeSpan.FromSeconds(2), step.HeartbeatTimeout));
}
