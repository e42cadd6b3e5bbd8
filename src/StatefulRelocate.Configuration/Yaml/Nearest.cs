namespace StatefulRelocate.Configuration.Yaml;

/// <summary>Finds what somebody meant to type.</summary>
internal static class Nearest
{
    /// <summary>"did you mean 'x'?", or null when nothing is near.</summary>
    public static string? Suggest(string typed, IEnumerable<string> known)
    {
        var (best, distance) = ((string?)null, Math.Max(1, typed.Length / 3) + 1);
        foreach (var candidate in known)
        {
            // Half a word is meant as the word.
            var found = typed.Length >= 3 && candidate.StartsWith(typed, StringComparison.OrdinalIgnoreCase) ? 1 : Distance(typed.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (found < distance)
                (best, distance) = (candidate, found);
        }

        return best is null ? null : $"did you mean '{best}'?";
    }

    /// <summary>Edit distance in which two swapped neighbours count as one edit, the commonest slip of fingers.</summary>
    private static int Distance(string left, string right)
    {
        var rows = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= right.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var change = left[i - 1] == right[j - 1] ? 0 : 1;
                var least = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                    least = Math.Min(least, rows[i - 2, j - 2] + 1);
                rows[i, j] = least;
            }
        }

        return rows[left.Length, right.Length];
    }
}
