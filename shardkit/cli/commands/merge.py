"""Command `shardkit merge DST`: completes a pack whose tasks are all done.

The last task of `shardkit pack --task I/N` merges automatically. This command is for when that task was stopped.
"""

from pathlib import Path

import click

from shardkit.cli.help import command
from shardkit.cli.options import FOLDER
from shardkit.cli.packing import report_outcome
from shardkit.pack.session import merge_or_recover
from shardkit.storage.lock import lock_folder


@command(examples=("shardkit merge packed",), exits=(0, 3, 5, 6, 7))
@click.argument("dst", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def merge(dst: Path, *, as_json: bool) -> int:
    """Write index and manifest once every task of `shardkit pack --task I/N` is done.

    The task that ends last does it by itself: this is for when it was stopped, or another was still at work then.
    """
    with lock_folder(dst):
        manifest = merge_or_recover(dst)
    return report_outcome(dst, manifest, as_json=as_json)
