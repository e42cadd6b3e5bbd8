using Temporalio.Common;

namespace StatefulRelocate.Engines.Temporal.Client.Contract;

/// <summary>The search attributes of a relocation's workflow (all of type Keyword), and the memo fields of the same names where the server has none.</summary>
public static class RelocationAttributes
{
    /// <summary>The app.</summary>
    public static readonly SearchAttributeKey<string> App = SearchAttributeKey.CreateKeyword("RelocateApp");

    /// <summary>The source cluster.</summary>
    public static readonly SearchAttributeKey<string> Source = SearchAttributeKey.CreateKeyword("RelocateSource");

    /// <summary>The target cluster.</summary>
    public static readonly SearchAttributeKey<string> Target = SearchAttributeKey.CreateKeyword("RelocateTarget");

    /// <summary>One or two words, as <c>relocate status</c> says it.</summary>
    public static readonly SearchAttributeKey<string> Phase = SearchAttributeKey.CreateKeyword("RelocatePhase");
}
