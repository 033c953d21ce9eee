"""Entry point of `python -m trainer`: it trains, or runs the command that its first word names."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from trainer.cli.app import run_command, unknown_command

COMMANDS = ("train", "evaluate", "embed", "overfit", "plan", "doctor", "replay", "prove")


def main(arguments: Sequence[str]) -> int:
    name, rest = (
        ("train", arguments) if not arguments or arguments[0].startswith("-") else (arguments[0], arguments[1:])
    )
    return run_command(lambda: _command(name)(rest))


def _command(name: str) -> Callable[[Sequence[str]], int]:
    if name not in COMMANDS:
        raise unknown_command(name, COMMANDS)
    command: Callable[[Sequence[str]], int] = import_module(f"trainer.cli.{name}").main
    return command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
