"""`shardkit merge DST`: the last step of a pack that many tasks share."""

from pathlib import Path

import click

from shardkit.cli.command import command
from shardkit.cli.outcome import outcome
from shardkit.cli.parameters import FOLDER
from shardkit.format.lock import locked
from shardkit.pack.packing import merged


@command(examples=("shardkit merge packed",), exits=(0, 3, 5, 6, 7))
@click.argument("dst", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def merge(dst: Path, *, as_json: bool) -> int:
    """Write index and manifest once every task of `shardkit pack --task I/N` is done.

    The task that ends last does it by itself: this is for when it was stopped, or another was still at work then.
    """
    with locked(dst):
        manifest = merged(dst)
    return outcome(dst, manifest, as_json=as_json)
