using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ImageClient;

/// <summary>Draws a small picture that no other id has.</summary>
internal static class Picture
{
    public static byte[] Draw(string id)
    {
        var seed = SHA256.HashData(Encoding.ASCII.GetBytes(id));
        var svg = new StringBuilder(1024);
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 320 240\"><rect width=\"320\" height=\"240\" fill=\"hsl({seed[0] * 360 / 256} 55% 90%)\"/>");
        for (var shape = 0; shape < 5; shape++)
        {
            var at = 1 + (shape * 5);
            var hue = seed[at] * 360 / 256;
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{seed[at + 1] * 320 / 256}\" cy=\"{seed[at + 2] * 240 / 256}\" r=\"{20 + (seed[at + 3] / 4)}\" fill=\"hsl({hue} 70% 55%)\" opacity=\".{5 + (seed[at + 4] % 4)}\"/>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"160\" y=\"228\" font-family=\"monospace\" font-size=\"14\" text-anchor=\"middle\" fill=\"#222\">{id}</text></svg>");
        return Encoding.ASCII.GetBytes(svg.ToString());
    }
}
