using System.CommandLine;

namespace StatefulRelocate.Cli.Commands;

/// <summary>
/// <c>relocate completion SHELL</c>: prints a script for the shell. The script asks the program itself what may follow, through the
/// hidden <c>[suggest:POSITION]</c> directive, so that it never has to change when a command does.
/// </summary>
internal static class CompletionCommand
{
    // The library also offers "/?" and "/h", which nobody types here; each script drops them.
    private const string Bash = """
        # relocate completion for bash. Load it with:  . <(relocate completion bash)
        _relocate_complete() {
            local word=${COMP_WORDS[0]} line
            line="relocate${COMP_LINE:${#word}}"
            mapfile -t COMPREPLY < <("$word" "[suggest:$((COMP_POINT - ${#word} + 8))]" "$line" 2>/dev/null | grep -v "^/")
            # Nothing of ours fits: let the shell complete paths.
            [ -n "${COMPREPLY[*]}" ] || COMPREPLY=()
        }
        complete -o default -F _relocate_complete relocate ./relocate
        """;

    private const string Zsh = """
        # relocate completion for zsh. Load it, after compinit, with:  source <(relocate completion zsh)
        _relocate_complete() {
            local line="relocate ${(j: :)words[2,CURRENT]}"
            local -a found
            found=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null | grep -v "^/")}")
            found=(${found:#})
            if (( ${#found} )); then compadd -- $found; else _files; fi
        }
        compdef _relocate_complete relocate ./relocate
        """;

    private const string Fish = """
        # relocate completion for fish. Load it with:  relocate completion fish | source
        function __relocate_complete
            set -l words (commandline -opc)
            set -l line relocate $words[2..] (commandline -ct)
            set -l text (string join ' ' -- $line)
            $words[1] "[suggest:"(string length -- "$text")"]" "$text" 2>/dev/null | grep -v "^/"
        end
        complete -c relocate -a '(__relocate_complete)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a script that lets your shell complete commands and options.") { shell };
        command.SetAction(parse =>
        {
            var script = parse.GetValue(shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                _ => Fish,
            };
            Console.Out.WriteLine(script);
            return 0;
        });
        return command;
    }
}
