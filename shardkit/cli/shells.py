"""What shells hand over to be completed, and get back: as far as `--codec=zstd`, one word or three, is beyond click."""

import os

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)


class Bash(BashComplete):
    """It cuts a word at the sign."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words, current = split_arg_string(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
        args, incomplete = words[1:current], "".join(words[current : current + 1])
        if incomplete == "=":
            return args, ""
        if args and args[-1] == "=":
            args.pop()
        return args, incomplete

    def source(self) -> str:
        """With answers taken as they are: unquoted ones would be matched against files."""
        return super().source().replace("COMPREPLY+=($value)", 'COMPREPLY+=("$value")')


class _Whole(ShellComplete):
    """The others leave it whole, and put the answer in its place."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        found = super().get_completions(args, incomplete)
        name, sign, _ = incomplete.partition("=")
        if not sign or not name.startswith("--"):
            return found
        return [CompletionItem(f"{name}={each.value}", each.type, each.help) for each in found if each.type == "plain"]


class Zsh(_Whole, ZshComplete):
    pass


class Fish(_Whole, FishComplete):
    def source(self) -> str:
        """With what stands behind a second comma."""
        return super().source().replace('string split ","', 'string split --max 1 ","')


def registered() -> None:
    for each in (Bash, Zsh, Fish):
        add_completion_class(each)
