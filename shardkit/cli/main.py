"""The group that holds every command, and imports none but the one that is run."""

import os
import sys
from contextlib import suppress
from importlib import import_module

import click

import shardkit as package
from shardkit.cli.run import run

# What the help shows; each command is in the file of its name. Importing all of them would take longer than most take.
_SECTIONS = {
    "Make a dataset": {
        "pack": "Pack a tree of images into shards.",
        "merge": "Make the dataset whole after the last --task.",
        "index": "Adopt tars that other tools wrote.",
        "append": "Add new subjects and impressions.",
        "remove": "Forget subjects, whose consent was withdrawn.",
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
_COMMANDS = {name: click.Command(name, help=told) for section in _SECTIONS.values() for name, told in section.items()}


class _Commands(click.Group):
    """Commands by name, each imported when it is asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in self.commands:
            return None
        command = getattr(import_module(f"shardkit.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section, commands in _SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))


@click.group(cls=_Commands, commands=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, prog_name="shardkit")
def shardkit() -> None:
    """Pack once, train at memory speed, never lose a sample.

    shardkit packs subject/impression image trees into tar shards with a manifest, proves that they are intact, and
    streams them to every rank of a training run.
    """


def main() -> None:
    """Leave without taking apart what was imported: that takes 30 ms, and a tenth of a verify."""
    code = run(shardkit)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more; `run` has said what there was to say
            stream.flush()
    os._exit(code)
