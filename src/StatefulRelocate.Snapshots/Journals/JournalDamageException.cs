namespace StatefulRelocate.Snapshots.Journals;

/// <summary>A record that the journal refers to is damaged or gone: the round begins again without the journal.</summary>
internal sealed class JournalDamageException() : Exception("a record of the round journal is damaged or gone");
