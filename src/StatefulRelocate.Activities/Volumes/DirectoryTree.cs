namespace StatefulRelocate.Activities.Volumes;

/// <summary>Deletes whole trees, never what a symbolic link in them points to.</summary>
internal static class DirectoryTree
{
    private const UnixFileMode OwnerAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, RecurseSubdirectories = false, IgnoreInaccessible = false };

    public static void Delete(string path)
    {
        var root = new DirectoryInfo(path);
        if (root.LinkTarget is not null)
        {
            root.Delete();
            return;
        }

        if (!root.Exists)
            return;
        OpenUp(root);
        root.Delete(recursive: true);
    }

    // A restored directory may forbid its owner to remove what is in it (mode 0500).
    private static void OpenUp(DirectoryInfo directory)
    {
        if ((directory.UnixFileMode & OwnerAll) != OwnerAll)
            directory.UnixFileMode |= OwnerAll;
        foreach (var child in directory.EnumerateDirectories("*", Everything))
            if (child.LinkTarget is null)
                OpenUp(child);
    }
}
