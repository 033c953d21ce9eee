"""Command `shardkit unpack DST OUT`: restores the tree or the arrays that a dataset was packed from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shardkit.cli.console import emit, say
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, SPLIT, SUBJECT, count_cores, with_workers
from shardkit.cli.progress import show_progress
from shardkit.errors import Damaged
from shardkit.pack.unpack import tree as way_back
from shardkit.pack.unpack.arrays import check_output_kind, unpack_arrays
from shardkit.reader.dataset import open_dataset, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shardkit.pack.unpack.tree import UnpackResult


@command(
    headings={"--split": "Which", "--workers": "Work", "--json": "Output"},
    examples=("shardkit unpack packed restored", "shardkit unpack packed restored --subject 000123"),
    exits=(0, 4, 6, 7, 130),
)
@click.argument("dst", type=FOLDER)
@click.argument("out", type=FOLDER)
@click.option("--split", type=SPLIT, metavar="NAME", help="Restore this split alone.")
@click.option("--subject", type=SUBJECT, metavar="S", help="Restore this subject alone.")
@click.option("--to-arrays", is_flag=True, help="Write images.bin and labels.bin again, or the .npy files.")
@with_workers
@click.option("--json", "as_json", is_flag=True, help="Print each finding and the outcome as a JSON line.")
def unpack(
    dst: Path, out: Path, split: str | None, subject: str | None, workers: int | None, *, to_arrays: bool, as_json: bool
) -> int:
    """Restore the images and sidecars of the dataset DST in the folder OUT, under the paths that they came from.

    Nothing in OUT is overwritten. Stopped at any moment, the same command goes on.
    """
    dataset = open_dataset(dst)
    check_output_kind(dataset, to_arrays=to_arrays)
    only = select(dataset, split, subject)
    exact = to_arrays or way_back.is_lossless(dataset.manifest)
    if not exact:
        say(f"{dst}: holds pixels ({dataset.manifest.codec}), not the files: images become PNGs of the pixels packed.")
    with show_progress("images", only.samples) as unpacking:
        restore = unpack_arrays if to_arrays else way_back.unpack
        outcome = _summed(restore(dataset, out, only, workers or count_cores(), unpacking.advance))
    for finding in outcome.findings:
        say(finding)
        if as_json:
            emit({"finding": finding})
    found = len(outcome.findings)
    say(f"{out}: {outcome.written:,} files written, {outcome.there:,} were there, {found:,} findings")
    if as_json:
        counts = {"written": outcome.written, "there": outcome.there, "findings": found}
        emit({"folder": str(out), **counts, "exact": exact})
    return Damaged.exit_code if outcome.findings else 0


@dataclass(frozen=True)
class _UnpackTotals:
    written: int
    there: int
    findings: list[str]


def _summed(shards: "Iterable[UnpackResult]") -> _UnpackTotals:
    written = there = 0
    findings: list[str] = []
    for each in shards:
        written += each.written
        there += each.there
        findings += each.findings
    return _UnpackTotals(written, there, sorted(findings))
