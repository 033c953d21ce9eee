"""`shardkit completion SHELL`: the script that lets a shell complete our commands, options and names."""

import click
from click.shell_completion import get_completion_class

from shardkit.cli.command import command
from shardkit.cli.shells import registered
from shardkit.cli.values import Choice


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
    registered()
    maker = get_completion_class(shell)
    assert maker is not None, f"click knows every shell that we offer, {shell} too"
    click.echo(maker(context.find_root().command, {}, "shardkit", "_SHARDKIT_COMPLETE").source())
