"""Command `shardkit index TARS… DST`: adopts tars of other tools as a dataset, without copying them."""

from pathlib import Path

import click

from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, TARS, count_cores, with_workers
from shardkit.cli.packing import report_outcome
from shardkit.cli.progress import show_progress
from shardkit.pack.adopt.merge import subjects_in_two_splits
from shardkit.pack.adopt.receipts import AdoptOptions
from shardkit.pack.adopt.session import adopt_tars, plan_adoption
from shardkit.reader.dataset import open_dataset

_EXAMPLES = 3


@command(
    headings={"--key": "How names are read", "--workers": "Work", "--json": "Output"},
    examples=(
        "shardkit index 'web/train-{000000..000009}.tar' web",
        "shardkit index prints/*.tar prints --key '{subject}_{impression}'",
    ),
    exits=(0, 3, 4, 5, 6, 7, 130),
)
@click.argument("tars", nargs=-1, required=True, type=TARS)
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
@with_workers
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
    """
    wanted = plan_adoption(tars, dst, AdoptOptions(key, label_field, split))
    with show_progress("samples", 0) as reading:
        done = adopt_tars(wanted, workers or count_cores(), reading.advance, replan=replan)
    shared = subjects_in_two_splits(open_dataset(dst).subjects)
    warnings = _warnings(shared, done.strangers)
    more = {"in_two_splits": len(shared), "strangers": list(done.strangers)}
    return report_outcome(dst, done.manifest, as_json=as_json, done="adopted", warnings=warnings, more=more)


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
