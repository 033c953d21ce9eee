"""`shardkit index TARS… DST`: tars that other tools wrote become a dataset where they lie."""

from dataclasses import asdict
from pathlib import Path

import click

from shardkit.cli.console import emit, progress, say
from shardkit.cli.parameters import FOLDER, cores
from shardkit.format.opened import open_dataset
from shardkit.pack.adopt import Adopted, adopted, adoption
from shardkit.pack.adopt_labels import in_two_splits
from shardkit.pack.adopt_part import AdoptOptions
from shardkit.verify.leaks import twice

_EXAMPLES = 3


@click.command()
@click.argument("tars", nargs=-1, required=True)
@click.argument("dst", type=FOLDER)
@click.option(
    "--key",
    metavar="TEMPLATE",
    help="Where subject and impression stand in a WebDataset key: '{subject}_{impression}'.",
)
@click.option(
    "--label-field", default="label", show_default=True, metavar="NAME", help="Of .json, where .cls is missing."
)
@click.option(
    "--split", default="train", show_default=True, metavar="NAME", help="Of tars whose names tell none, as 00000.tar."
)
@click.option("--workers", type=click.IntRange(1, 1024), help="Threads. [default: one a core]")
@click.option("--replan", is_flag=True, help="Index adopted tars anew: others, or with other options.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def index(
    *,
    tars: tuple[str, ...],
    dst: Path,
    key: str | None,
    label_field: str,
    split: str,
    workers: int | None,
    replan: bool,
    as_json: bool,
) -> int:
    """Adopt the WebDataset TARS that lie in the folder DST: index them, so that they can be streamed and verified.

    Nothing is copied, and the tars are only read. `train-000000.tar` is of the split train.

    \b
    shardkit index 'web/train-{000000..000009}.tar' web
    shardkit index prints/*.tar prints --key '{subject}_{impression}'
    """  # noqa: D301 - a real backspace tells click to keep the lines
    wanted = adoption(tars, dst, AdoptOptions(key, label_field, split))
    with progress("samples", 0) as reading:
        outcome = adopted(wanted, workers or cores(), reading.advance, replan=replan)
    return _told(dst, outcome, as_json=as_json)


def _told(folder: Path, outcome: "Adopted", *, as_json: bool) -> int:
    """Say what the dataset holds and what it does not; 3 if a sample was left out."""
    dataset = open_dataset(folder)
    generation = dataset.generation
    skipped = sum(generation.skipped.values())
    found, shared = twice(dataset), in_two_splits(dataset.subjects)
    for name, held in generation.splits.items():
        say(f"{name}: {held.samples:,} samples of {held.subjects:,} subjects in {held.shards:,} tars")
    for reason, count in generation.skipped.items():
        say(f"skipped: {count:,} {reason} (listed in {generation.listed})")
    for line in (*found.said, *_warnings(shared, outcome.strangers)):
        say(line)
    say(f"{folder}: {generation.packed + skipped:,} inputs = {generation.packed:,} adopted + {skipped:,} skipped")
    if as_json:
        record = {"folder": str(folder), **asdict(generation), "inputs": generation.packed + skipped, **found.record()}
        emit({**record, "in_two_splits": len(shared), "strangers": list(outcome.strangers)})
    return 3 if skipped else 0


def _warnings(shared: list[str], strangers: tuple[str, ...]) -> list[str]:
    warnings = []
    if shared:
        warnings.append(
            f"Warning: {len(shared):,} subjects are in more than one split ({_some(shared)}): validation then "
            "asks for people that training has seen. If they are not the same, tell them apart with --key."
        )
    if strangers:
        warnings.append(
            f"Warning: {len(strangers):,} files beside the tars are no part of the dataset ({_some(strangers)}): "
            "`shardkit verify` will name them. Move them away, or put the tars into a folder of their own (`ln`)."
        )
    return warnings


def _some(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(map(ascii, names[:_EXAMPLES]))
