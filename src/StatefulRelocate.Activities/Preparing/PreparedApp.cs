using StatefulRelocate.Core.Apps;

namespace StatefulRelocate.Activities.Preparing;

/// <summary>What <c>prepare</c> found on the target before it changed anything, for its undo.</summary>
/// <param name="RelocationId">The relocation.</param>
/// <param name="Previous">The app's definition before, or null when the target did not know the app.</param>
internal sealed record PreparedApp(string RelocationId, AppDefinition? Previous);
