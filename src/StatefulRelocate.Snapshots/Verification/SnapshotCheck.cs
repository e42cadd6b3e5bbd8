using System.Runtime.InteropServices;
using StatefulRelocate.Core.Errors;
using StatefulRelocate.Snapshots.Manifests;
using StatefulRelocate.Snapshots.Maps;
using StatefulRelocate.Snapshots.Restoring;
using StatefulRelocate.Snapshots.Retention;

namespace StatefulRelocate.Snapshots.Verification;

/// <summary>Checks that a snapshot's tree is what was sealed, and that an intact copy of every block stands somewhere.</summary>
internal sealed class SnapshotCheck
{
    private const int ShownFiles = 3;

    /// <summary>A tree larger than this is merged from its layers twice instead of being kept.</summary>
    private const long CheckMemory = 32L << 20;
    private readonly Repository _repository;
    private readonly PackPlaces _places;
    private readonly FoundDamage _damage;
    private readonly HashSet<UInt128> _intactChunks = [];

    public SnapshotCheck(Repository repository, PackPlaces places, FoundDamage damage) => (_repository, _places, _damage) = (repository, places, damage);

    /// <summary>Whether it can be restored; what is wrong is written down.</summary>
    public async Task<bool> RunAsync(string name, CancellationToken cancellationToken)
    {
        SnapshotManifest? manifest = null;
        if (!await _damage.TryAsync(name, async () => manifest = await _repository.Snapshots.ReadAsync(name[ManifestStore.Prefix.Length..], cancellationToken).ConfigureAwait(false)).ConfigureAwait(false))
            return false;
        if (manifest is null or { GivenUp: true })
            return true;
        try
        {
            return await Task.Run(() => Tree(name, manifest, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (RelocateException damage)
        {
            // Of the object at fault, and again of the snapshot that needs it.
            var culprit = damage.Message.Split(':')[0];
            _damage.Add(culprit, damage.Message);
            if (culprit != name)
                _damage.Add(name, $"{name}: cannot be restored: it needs {culprit}, which is damaged");
            return false;
        }
    }

    private bool Tree(string name, SnapshotManifest manifest, CancellationToken cancellationToken)
    {
        var tree = new WantedTree(_repository, manifest, [], 0, CheckMemory);
        tree.Check(cancellationToken);
        var (blocks, files, shown) = (0L, 0, new List<string>());
        foreach (var (entry, _) in tree.Entries(cancellationToken))
        {
            var lost = entry.Blocks.Stored().Sum(chunk => Lost(chunk.Chunk));
            if (lost == 0)
                continue;
            blocks += lost;
            files++;
            if (shown.Count < ShownFiles)
                shown.Add($"'{PathText.Show(entry.Path)}'");
        }

        if (blocks > 0)
            _damage.Add(name, $"{name}: damaged: {blocks} blocks of {files} files are in no intact pack: {string.Join(", ", shown)}{(files > ShownFiles ? " …" : "")}");
        return blocks == 0;
    }

    private int Lost(Chunks.BlockChunk chunk)
    {
        // Snapshots of one app share nearly all their chunks: one look at each is enough.
        var digest = MemoryMarshal.Read<UInt128>(chunk.Digest(_repository.Keys));
        if (_intactChunks.Contains(digest))
            return 0;
        var lost = chunk.Ids.Count(id => id != default && _places.Copies(id) <= _damage.BadCopies(id));
        if (lost == 0)
            _intactChunks.Add(digest);
        return lost;
    }
}
