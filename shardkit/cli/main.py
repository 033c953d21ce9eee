"""The group that holds every command."""

import sys

import click

import shardkit as package
from shardkit.cli.append import append
from shardkit.cli.cat import cat
from shardkit.cli.completion import completion
from shardkit.cli.doctor import doctor
from shardkit.cli.index import index
from shardkit.cli.info import info
from shardkit.cli.ls import ls
from shardkit.cli.merge import merge
from shardkit.cli.pack import pack
from shardkit.cli.remove import remove
from shardkit.cli.repair import repair
from shardkit.cli.run import run
from shardkit.cli.unpack import unpack
from shardkit.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, prog_name="shardkit")
def shardkit() -> None:
    """Pack once, train at memory speed, never lose a sample.

    shardkit packs subject/impression image trees into tar shards with a manifest, proves that they are intact, and
    streams them to every rank of a training run.
    """


shardkit.add_command(completion)
shardkit.add_command(doctor)
shardkit.add_command(index)
shardkit.add_command(pack)
shardkit.add_command(merge)
shardkit.add_command(append)
shardkit.add_command(remove)
shardkit.add_command(cat)
shardkit.add_command(info)
shardkit.add_command(ls)
shardkit.add_command(unpack)
shardkit.add_command(verify)
shardkit.add_command(repair)


def main() -> None:
    sys.exit(run(shardkit))
