using StatefulRelocate.Core.Errors;
using StatefulRelocate.Core.Relocations;

namespace StatefulRelocate.Core.Plans;

/// <summary>Turns what the user asked for into the steps that do it.</summary>
public static class Planner
{
    /// <summary>The plan of a relocation.</summary>
    /// <param name="spec">What the user asked for.</param>
    /// <param name="relocationId">Unique, safe in file and object names.</param>
    /// <exception cref="RelocateException">The spec makes no sense; one line says why.</exception>
    public static RelocationPlan Plan(RelocationSpec spec, string relocationId) => throw new NotImplementedException();
}
