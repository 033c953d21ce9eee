"""`shardkit merge DST`: the last step of a pack that many tasks share."""

from pathlib import Path

import click

from shardkit.cli.parameters import FOLDER


@click.command()
@click.argument("dst", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def merge(dst: Path, *, as_json: bool) -> int:
    """Write index and manifest once every task of `shardkit pack --task I/N` is done.

    The task that ends last does it by itself: this is for when it was stopped, or another was still at work then.
    """
    from shardkit.cli.outcome import outcome  # noqa: PLC0415 - what is heavy is imported by the command that needs it
    from shardkit.format.lock import locked  # noqa: PLC0415
    from shardkit.pack.packing import merged  # noqa: PLC0415

    with locked(dst):
        manifest = merged(dst)
    return outcome(dst, manifest, as_json=as_json)
