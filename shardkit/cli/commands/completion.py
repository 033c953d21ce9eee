"""Command `shardkit completion SHELL`: prints the script that completes commands, options and names in a shell.

The shell classes extend click's: click cannot complete `--codec=zstd`, which some shells pass as three words and
others as one, nor values after a comma.
"""

import os

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from shardkit.cli.help import command
from shardkit.cli.options import Choice


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


def register_shells() -> None:
    for each in (Bash, Zsh, Fish):
        add_completion_class(each)


@command(
    examples=(
        "shardkit completion bash >> ~/.bashrc",
        "shardkit completion zsh >> ~/.zshrc",
        "shardkit completion fish > ~/.config/fish/completions/shardkit.fish",
    )
)
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which SHELL, one of bash, zsh and fish, completes what is typed behind `shardkit`.

    Commands, options, their choices and folders are completed, and what a dataset names: splits, subjects and keys.
    A shell that was started before knows nothing of it. In ~/.zshrc it stands behind `compinit`.
    """
    register_shells()
    maker = get_completion_class(shell)
    assert maker is not None, f"click knows every shell that we offer, {shell} too"
    click.echo(maker(context.find_root().command, {}, "shardkit", "_SHARDKIT_COMPLETE").source())
