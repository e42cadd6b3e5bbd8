namespace StatefulRelocate.EndToEnd.Tests.Temporal;

/// <summary>Each of these runs half a dozen programs of its own: one after the other they leave the others of the suite their share of the machine.</summary>
[CollectionDefinition(Name)]
public sealed class TemporalCollection
{
    public const string Name = "temporal";
}
