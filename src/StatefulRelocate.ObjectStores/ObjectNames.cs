using StatefulRelocate.Snapshots.Storage;

namespace StatefulRelocate.ObjectStores;

/// <summary>What an object may be called.</summary>
internal static class ObjectNames
{
    /// <summary>Refuses a name with anything but segments of <c>[a-z0-9._-]</c> that do not begin with a dot.</summary>
    public static void Check(string name, string store)
    {
        foreach (var part in name.Split('/'))
        {
            if (part.Length == 0 || part[0] == '.' || !part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-'))
                throw new ObjectStoreException($"{store}: '{name}' is no object name");
        }
    }

    /// <summary>Whether a stored name belongs to an object: what begins with a dot is a driver's own.</summary>
    public static bool IsObject(string name) => name.Length > 0 && name[0] != '.' && !name.Contains("/.", StringComparison.Ordinal);
}
