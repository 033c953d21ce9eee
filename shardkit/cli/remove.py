"""`shardkit remove DST --subject S`: forget somebody, and prove it."""

from pathlib import Path

import click

from shardkit.cli.command import command
from shardkit.cli.console import emit, progress, say
from shardkit.cli.names import SUBJECT
from shardkit.cli.parameters import FOLDER
from shardkit.format.lock import locked
from shardkit.format.manifest import read_manifest
from shardkit.format.opened import open_dataset
from shardkit.pack.packing import tidied
from shardkit.pack.proof import prove
from shardkit.pack.remove import committed, finish
from shardkit.pack.remove import remove as forget


@command(examples=("shardkit remove packed --subject 000123",), exits=(0, 5, 6, 7, 130))
@click.argument("dst", type=FOLDER)
@click.option(
    "--subject",
    "subjects",
    type=SUBJECT,
    multiple=True,
    required=True,
    metavar="S",
    help="Whom to forget; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def remove(dst: Path, subjects: tuple[str, ...], *, as_json: bool) -> None:
    """Write the shards that hold a subject again without it, as a new generation. The older ones are gone then.

    Others keep their labels and splits. Stopped at any moment, the same command goes on.
    """
    read_manifest(dst)
    with locked(dst):
        removal = finish(dst) if committed(dst) else None
        tidied(dst)
        if removal is None or not removal.covers(subjects):
            with progress("shards", len(open_dataset(dst).shards)) as shown:
                removal = forget(dst, list(subjects), shown.advance)
        proof = prove(dst, removal.subjects, removal.rewritten)
    dataset = open_dataset(dst)
    gone, shards = len(removal.subjects), len(removal.rewritten)
    say(f"{removal.samples:,} samples of {gone:,} subjects are gone from {shards:,} shards.")
    say(proof)
    for lost, stays in removal.twins:
        say(f"  the bytes of {lost} are also those of {stays}, which stays. Remove that subject too if they must go.")
    say(f"{dst}: generation {dataset.generation.number}, digest {dataset.digest}.")
    say("Backups and the source are not ours to clean.")
    if as_json:
        twins = [list(pair) for pair in removal.twins]
        emit({"folder": str(dst), "samples": removal.samples, "proof": proof, "twins": twins})
