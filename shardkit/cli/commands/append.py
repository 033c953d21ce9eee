"""Command `shardkit append SRC DST`: packs new subjects and impressions into additional shards.

Existing shards, labels and splits stay as they are. Until the new generation is committed, the dataset is unchanged.
"""

from collections.abc import Iterable
from typing import Any

import click

from shardkit.cli.console import say
from shardkit.cli.help import command
from shardkit.cli.options import FILE, FOLDER, count_cores, with_on_error, with_workers
from shardkit.cli.packing import make_shards, read_list_files, report_outcome
from shardkit.cli.progress import show_progress
from shardkit.format.manifest import read_manifest
from shardkit.pack.estimate import estimate_append_space
from shardkit.pack.merge import explain_nothing_packed, merge, read_receipts
from shardkit.pack.plan.append import ExistingImages, append_request, plan_append
from shardkit.pack.plan.planfile import PlanFile
from shardkit.pack.plan.planner import PackRequest, check_no_skipped
from shardkit.pack.session import explain_disk_full, load_plan, recover, save_plan
from shardkit.pack.write.shard_writer import PackJob
from shardkit.reader.dataset import open_dataset
from shardkit.schema import Manifest
from shardkit.storage.lock import lock_folder


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
    folder, workers = given["dst"], given["workers"] or count_cores()
    request = append_request(given["src"], folder, read_manifest(folder), read_list_files(given))
    with lock_folder(folder):
        manifest = recover(folder, restart=given["replan"])
        plan = _load_matching_plan(request, given) or _plan_append(request, given, workers)
        if plan is not None:
            manifest = _packed(PackJob(given["src"], folder, plan, given["on_error"] == "fail"), workers) or manifest
    return report_outcome(folder, manifest, as_json=given["as_json"])


def _load_matching_plan(request: PackRequest, given: dict[str, Any]) -> PlanFile | None:
    plan = load_plan(request)
    if plan and given["on_error"] == "fail":
        check_no_skipped(request.folder, plan)
    return plan


def _plan_append(request: PackRequest, given: dict[str, Any], workers: int) -> PlanFile | None:
    """None if there is nothing new."""
    dataset = open_dataset(request.folder)
    with show_progress("files", 0) as scanning:
        newcomers = plan_append(request, dataset, workers, scanning.advance)
    if isinstance(newcomers, ExistingImages):
        but = ", but for those that --exclude names" if given["exclude"] else ""
        say(f"all {newcomers.images:,} images are in {dataset.folder} already{but}.")
        _warn(newcomers.message(dataset.folder))
        return None
    _warn((*newcomers.draft.warnings, *newcomers.known.message(dataset.folder)))
    if given["on_error"] == "fail":
        newcomers.draft.check_no_skipped()
    known, new = newcomers.known.images, newcomers.draft.inputs
    say(f"{known:,} images are in {dataset.folder} already; {new:,} inputs are new.")
    estimate_append_space(request, newcomers.draft, newcomers.terms).require(dataset.folder)
    return save_plan(dataset.folder, newcomers.draft, newcomers.terms)


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        say(f"Warning: {warning}")


def _packed(work: PackJob, workers: int) -> Manifest | None:
    """None if nothing could be packed: a generation without a sample would only cost files."""
    make_shards(work, range(len(work.plan.shards)), "local", workers)
    reasons = explain_nothing_packed(work.folder, read_receipts(work.folder, work.plan))
    if reasons:
        say(f"nothing new could be packed ({reasons}): the dataset stays as it is.")
        recover(work.folder, restart=True)
        return None
    with explain_disk_full(work.folder, work.plan):
        return merge(work.folder)
