"""`shardkit append SRC DST`: new subjects and impressions, in shards of their own."""

from pathlib import Path
from typing import Any

import click

from shardkit.cli.console import progress, say
from shardkit.cli.making import make
from shardkit.cli.outcome import outcome
from shardkit.cli.parameters import FOLDER, cores
from shardkit.format.lock import locked
from shardkit.format.opened import Dataset, open_dataset
from shardkit.pack.append import appended
from shardkit.pack.merge import merge
from shardkit.pack.options import PackOptions
from shardkit.pack.packing import begin, needing, tidied
from shardkit.pack.planfile import PlanFile, plan_path, read_plan
from shardkit.pack.planning import Request
from shardkit.pack.room import room_for
from shardkit.pack.shard import Work


@click.command()
@click.argument("src", type=FOLDER)
@click.argument("dst", type=FOLDER)
@click.option("--files", type=FOLDER, metavar="LIST", help="Append the files that LIST names, one path a line.")
@click.option("--groups", type=FOLDER, metavar="CSV", help="The groups of newcomers: lines `subject,group`.")
@click.option("--split-file", type=FOLDER, metavar="CSV", help="The splits of newcomers, where a list made the splits.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Threads. [default: one a core]")
@click.option("--on-error", type=click.Choice(["skip", "fail"]), default="skip", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def append(**given: Any) -> int:  # noqa: ANN401 - click's values, each of the type that its option names
    """Pack what SRC has and DST has not, with the options of the first pack.

    Old shards, labels and splits stay as they are. Stopped at any moment, the dataset is what it was before, and the
    same command goes on.
    """
    folder, workers = given["dst"], given["workers"] or cores()
    dataset = open_dataset(folder)
    with locked(folder):
        tidied(folder)
        plan = _begun(folder) or _planned(dataset, given, workers)
        work = Work(given["src"], folder, plan, fail_on_bad_input=given["on_error"] == "fail")
        make(work, range(len(plan.shards)), "local", workers)
        with needing(folder, plan):
            manifest = merge(folder)
    return outcome(folder, manifest, as_json=given["as_json"])


def _begun(folder: Path) -> PlanFile | None:

    return read_plan(folder) if plan_path(folder).exists() else None


def _planned(dataset: Dataset, given: dict[str, Any], workers: int) -> PlanFile:

    lists = (given["files"], given["groups"], given["split_file"])
    request = Request(given["src"], dataset.folder, PackOptions(), *lists)
    with progress("files", 0) as scanning:
        newcomers = appended(request, dataset, workers, scanning.advance)
    say(f"{newcomers.known:,} images are in {dataset.folder} already; {newcomers.draft.inputs:,} inputs are new.")
    room_for(newcomers.draft.plan, dataset.folder, 1.0).require(dataset.folder)
    return begin(dataset.folder, newcomers.draft, newcomers.terms)
