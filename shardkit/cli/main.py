"""Group of all commands; it imports only the command that runs."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import click

import shardkit as package
from shardkit.cli.errors import run_command
from shardkit.cli.help import MAX_HELP_WIDTH, BaseCommand, Formatter

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# What the help shows; each command is in the file of its name. Importing all of them would take longer than most take.
_SECTIONS = {
    "Make a dataset": {
        "pack": "Pack a tree of images into shards.",
        "merge": "Make the dataset whole after the last --task.",
        "index": "Adopt tars that other tools wrote.",
        "append": "Add new subjects and impressions.",
        "remove": "Remove subjects or whole groups.",
    },
    "Trust it": {
        "verify": "Check every byte.",
        "repair": "Mend what verify found.",
        "doctor": "Check the machine and the disk below a folder.",
    },
    "Look into it, take it out": {
        "info": "Say what a dataset holds.",
        "ls": "List keys.",
        "cat": "Write one image or sidecar to stdout.",
        "order": "Say which samples are in a row of an epoch.",
        "unpack": "Restore the tree.",
    },
    "Stream it": {
        "bench": "Measure the stream here, and say what bounds it.",
    },
    "Shell": {
        "completion": "Print the completion script of a shell.",
    },
}
_FIRST_STEPS = {
    "shardkit pack SRC DST --dry-run": "What is there, and what it will take.",
    "shardkit pack SRC DST": "Stopped, the same command goes on.",
    "shardkit verify DST": "Every byte.",
}
_MORE = {
    "shardkit COMMAND --help": "Options, examples and exit codes of a command.",
    "python -m trainer --help": "Train on what was packed.",
    "docs/README.md": "Guides and reference, in the source tree.",
}
_COMMANDS = {name: click.Command(name, help=told) for section in _SECTIONS.values() for name, told in section.items()}


class _Commands(BaseCommand, click.Group):
    """Commands by name, each imported when it is asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in self.commands:
            return None
        command = getattr(import_module(f"shardkit.cli.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        assert isinstance(formatter, Formatter), "our contexts make no other"
        options = [each.get_help_record(ctx) for each in self.get_params(ctx)]
        sections = [(name, list(commands.items())) for name, commands in _SECTIONS.items()]
        formatter.write_tables([*sections, ("Options", [each for each in options if each])])
        steps = {"First steps": _FIRST_STEPS, "More": _MORE}
        formatter.write_tables((name, list(rows.items())) for name, rows in steps.items())

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        """Of names from the table above: click would import each command to ask for its first line."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell that completes needs it

        named = [
            CompletionItem(name, help=command.help)
            for name, command in self.commands.items()
            if name.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_Commands,
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MAX_HELP_WIDTH},
)
@click.version_option(package.__version__, prog_name="shardkit", help="Print the version.")
def shardkit() -> None:
    """Pack once, train at memory speed, never lose a sample.

    shardkit packs subject/impression image trees into tar shards with a manifest, proves that they are intact, and
    streams them to every rank of a training run.
    """


def main() -> None:
    """Leave without taking apart what was imported: that takes 30 ms, and a tenth of a verify."""
    if "_SHARDKIT_COMPLETE" in os.environ:
        from shardkit.cli.commands.completion import register_shells  # noqa: PLC0415 - only a shell that completes needs it

        register_shells()
    code = run_command(shardkit)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more; `run` has said what there was to say
            stream.flush()
    os._exit(code)
