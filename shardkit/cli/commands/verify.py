"""Command `shardkit verify DST`: compares every byte with its recorded digest, and locates damage."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shardkit.cli.console import emit, green, red, say
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, count_cores, with_workers
from shardkit.cli.progress import show_progress
from shardkit.errors import Damaged
from shardkit.verify.verifier import Level, prepare_verification
from shardkit.verify.verifier import run_verification as verified

if TYPE_CHECKING:
    from shardkit.verify.verifier import Report

_SHOWN = 100
_CHECKED = {
    Level.QUICK: "the manifest and the sizes of files",
    Level.BYTES: "every byte",
    Level.DECODE: "every byte and every pixel",
}


@command(
    headings={"--quick": "How deeply  [default: every byte]", "--workers": "Work", "--json": "Output"},
    examples=("shardkit verify packed", "shardkit verify packed --quick"),
    exits=(0, 4, 7, 130),
)
@click.argument("dst", type=FOLDER)
@click.option("--quick", is_flag=True, help="The manifest, and which files there are, of which size.")
@click.option("--decode", is_flag=True, help="Every pixel too, and the BLAKE3 of whole shards.")
@with_workers
@click.option("--json", "as_json", is_flag=True, help="Print each finding, and a summary, as a JSON line.")
def verify(dst: Path, workers: int | None, *, quick: bool, decode: bool, as_json: bool) -> int:
    """Check the dataset DST against what was sealed when it was packed; nothing is changed.

    A finding names the file, and in a shard the sample and the byte.
    """
    if quick and decode:
        raise click.UsageError("--quick and --decode exclude each other: choose one.")
    level = Level.QUICK if quick else Level.DECODE if decode else Level.BYTES
    examination = prepare_verification(dst)
    if level is Level.QUICK:
        report = verified(examination, level, 1, lambda _samples, _size: None)
    else:
        with show_progress("samples", examination.samples) as shown:
            report = verified(examination, level, workers or count_cores(), shown.advance)
    print_report(report, as_json=as_json)
    return Damaged.exit_code if report.findings else 0


def print_report(report: "Report", *, as_json: bool, advise: bool = True) -> None:
    """Print what was found, and the command that repairs it if `advise` is set."""
    for note in report.notes:
        say(note)
    for finding in report.findings if as_json else ():
        emit(finding.record())
    for finding in report.findings[:_SHOWN]:
        say(str(finding))
    count = len(report.findings)
    if count > _SHOWN:
        say(f"… and {count - _SHOWN:,} findings more: --json prints all.")
    amount = f"{report.samples:,} samples, {report.files:,} files, {report.bytes:,} bytes"
    say(
        f"{report.folder}: ",
        red("1 finding" if count == 1 else f"{count:,} findings") if count else green("no damage"),
        f". Checked {_CHECKED[report.level]}: {amount}.",
    )
    if count and advise:
        say("Repair it: ", f"shardkit repair {shlex.quote(str(report.folder))} --source SRC")
    if as_json:
        emit(
            {
                "folder": str(report.folder),
                "level": report.level,
                "findings": count,
                "files": report.files,
                "samples": report.samples,
                "bytes": report.bytes,
                "notes": list(report.notes),
            }
        )
