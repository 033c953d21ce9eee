"""`shardkit completion SHELL`: the script that lets a shell complete our commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash: shardkit completion bash >> ~/.bashrc
    zsh:  shardkit completion zsh  >> ~/.zshrc
    fish: shardkit completion fish > ~/.config/fish/completions/shardkit.fish
    """  # noqa: D301 - a real backspace tells click to keep the lines
    maker = get_completion_class(shell)
    assert maker is not None, f"click knows every shell that we offer, {shell} too"
    click.echo(maker(context.find_root().command, {}, "shardkit", "_SHARDKIT_COMPLETE").source())
