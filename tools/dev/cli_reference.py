"""Write docs/cli.md and docs/trainer-cli.md anew from what the commands themselves say: `make docs`.

Help is taken from the commands as a user sees it, at a fixed width; settings of the trainer from where they are
written down. tests/test_cli_documents.py holds the files to it.
"""

from collections.abc import Iterator
from pathlib import Path

import click

import trainer_reference
from shardkit.cli.main import shardkit

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDTH = 100
_MADE = "<!-- Made by `make docs` from the commands' own help: change it there. -->"
_HEAD = f"""{_MADE}

# Commands of shardkit

What `shardkit COMMAND --help` says, on one page. The [guides](README.md) go by task; how a command ends is told in
[exit codes](exit-codes.md). Words and progress go to stderr, answers to stdout; with `--json` an answer is JSON, an
object a line. The trainer's commands have [a page of their own](trainer-cli.md).
"""


def pages() -> dict[str, str]:
    """The text of each file by its name."""
    return {
        "cli.md": "\n".join([_HEAD, *_commands()]),
        "trainer-cli.md": "\n".join([f"{_MADE}\n", *trainer_reference.page(WIDTH)]),
    }


def _commands() -> Iterator[str]:
    with _context(shardkit, "shardkit") as group:
        yield fenced(shardkit.get_help(group))
        for name in shardkit.list_commands(group):
            command = shardkit.get_command(group, name)
            assert command is not None
            yield f"## {name}\n\n{fenced(command.get_help(_context(command, name, group)))}"


def _context(command: click.Command, name: str, above: click.Context | None = None) -> click.Context:
    """As the command has it where a user calls it, on a terminal of our width."""
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    return command.context_class(command, above, name, **settings)


def fenced(text: str) -> str:
    lines = [line.rstrip() for line in click.unstyle(text).strip().splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


def main() -> None:
    for name, text in pages().items():
        (DOCS / name).write_text(text)
        print(f"docs/{name}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
