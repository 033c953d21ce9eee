"""Command `shardkit append SRC DST`: packs new subjects and impressions into additional shards.

Existing shards, labels and splits stay as they are. Until the new generation is committed, the dataset is unchanged.
"""

from collections.abc import Iterable
from typing import Any

import click

from shardkit.cli.console import say
from shardkit.cli.help import command
from shardkit.cli.options import FILE, FOLDER, cores, with_on_error, with_workers
from shardkit.cli.packing import lists_of, make, outcome
from shardkit.cli.progress import progress
from shardkit.format.manifest import read_manifest
from shardkit.pack.estimate import estimate_room
from shardkit.pack.merge import merge, nothing_packed, parts_of
from shardkit.pack.plan.append import Known, append_request, appended
from shardkit.pack.plan.draft import Request, refuse_skipped
from shardkit.pack.plan.planfile import PlanFile
from shardkit.pack.session import begin, begun, needing, tidied
from shardkit.pack.write.shard_writer import Work
from shardkit.reader.dataset import open_dataset
from shardkit.schema import Manifest
from shardkit.storage.lock import locked


@command(
    headings={"--files": "Newcomers", "--workers": "Work", "--json": "Output"},
    examples=("shardkit append fingers packed", "shardkit append fingers packed --exclude doubtful.txt"),
    exits=(0, 3, 5, 6, 7, 8, 130),
)
@click.argument("src", type=FOLDER)
@click.argument("dst", type=FOLDER)
@click.option("--files", type=FILE, metavar="LIST", help="Append the files that LIST names, as in `pack --files`.")
@click.option("--exclude", type=FILE, metavar="LIST", help="Leave out the samples that LIST names, one key a line.")
@click.option("--groups", type=FILE, metavar="LIST", help="The groups of newcomers, as in `pack --groups`.")
@click.option("--split-file", type=FILE, metavar="CSV", help="The splits of new subjects, as in `pack --split-file`.")
@with_workers
@with_on_error
@click.option("--replan", is_flag=True, help="Throw an unfinished append away and start over.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def append(**given: Any) -> int:  # noqa: ANN401 - click's values, each of the type that its option names
    """Pack what SRC has and DST has not, with the options of the first pack.

    Old shards, labels and splits stay as they are. Stopped at any moment, the dataset is what it was before, and the
    same command goes on.
    """
    folder, workers = given["dst"], given["workers"] or cores()
    request = append_request(given["src"], folder, read_manifest(folder), lists_of(given))
    with locked(folder):
        manifest = tidied(folder, restart=given["replan"])
        plan = _begun(request, given) or _planned(request, given, workers)
        if plan is not None:
            manifest = _packed(Work(given["src"], folder, plan, given["on_error"] == "fail"), workers) or manifest
    return outcome(folder, manifest, as_json=given["as_json"])


def _begun(request: Request, given: dict[str, Any]) -> PlanFile | None:
    plan = begun(request)
    if plan and given["on_error"] == "fail":
        refuse_skipped(request.folder, plan)
    return plan


def _planned(request: Request, given: dict[str, Any], workers: int) -> PlanFile | None:
    """None if there is nothing new."""
    dataset = open_dataset(request.folder)
    with progress("files", 0) as scanning:
        newcomers = appended(request, dataset, workers, scanning.advance)
    if isinstance(newcomers, Known):
        but = ", but for those that --exclude names" if given["exclude"] else ""
        say(f"all {newcomers.images:,} images are in {dataset.folder} already{but}.")
        _warn(newcomers.told(dataset.folder))
        return None
    _warn((*newcomers.draft.warnings, *newcomers.known.told(dataset.folder)))
    if given["on_error"] == "fail":
        newcomers.draft.refuse_skipped()
    known, new = newcomers.known.images, newcomers.draft.inputs
    say(f"{known:,} images are in {dataset.folder} already; {new:,} inputs are new.")
    estimate_room(request, newcomers.draft, newcomers.terms).require(dataset.folder)
    return begin(dataset.folder, newcomers.draft, newcomers.terms)


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        say(f"Warning: {warning}")


def _packed(work: Work, workers: int) -> Manifest | None:
    """None if nothing could be packed: a generation without a sample would only cost files."""
    make(work, range(len(work.plan.shards)), "local", workers)
    reasons = nothing_packed(work.folder, parts_of(work.folder, work.plan))
    if reasons:
        say(f"nothing new could be packed ({reasons}): the dataset stays as it is.")
        tidied(work.folder, restart=True)
        return None
    with needing(work.folder, work.plan):
        return merge(work.folder)
