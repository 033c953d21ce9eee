"""Words to be completed, as bash hands them over: it cuts `--codec=zstd` at the sign, and click does not join it."""

import os

from click.shell_completion import BashComplete, add_completion_class, split_arg_string


class Bash(BashComplete):
    def get_completion_args(self) -> tuple[list[str], str]:
        words, current = split_arg_string(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
        args, incomplete = words[1:current], "".join(words[current : current + 1])
        if incomplete == "=":
            return args, ""
        if args and args[-1] == "=":
            args.pop()
        return args, incomplete

    def source(self) -> str:
        """With words taken as they are: unquoted ones would be matched against files."""
        return super().source().replace("COMPREPLY+=($value)", 'COMPREPLY+=("$value")')


def registered() -> None:
    add_completion_class(Bash)
