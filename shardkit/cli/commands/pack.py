"""Command `shardkit pack SRC DST`: packs a tree of images, or arrays, into verified shards."""

from typing import Any

import click

from shardkit.cli.console import emit, say
from shardkit.cli.help import command
from shardkit.cli.options import FILE, FOLDER, Choice, Number, count_cores, parse_task, with_on_error, with_workers
from shardkit.cli.packing import (
    build_request,
    decision_lines,
    dry_run_lines,
    dry_run_record,
    make_shards,
    report_outcome,
)
from shardkit.cli.progress import show_progress
from shardkit.pack import session
from shardkit.pack.estimate import PackDecision, decide
from shardkit.pack.options import MAX_SIZE
from shardkit.pack.plan.arrays import draft_array_plan
from shardkit.pack.plan.planner import PackRequest, check_no_skipped, draft_plan
from shardkit.pack.session import load_plan, task_share
from shardkit.pack.write.shard_writer import PackJob
from shardkit.schema import MANIFEST
from shardkit.storage.lock import lock_folder


@command(
    headings={
        "--layout": "What is packed",
        "--split": "Splits",
        "--codec": "Pixels",
        "--shard-size": "Shards and work",
        "--dry-run": "Output",
    },
    examples=(
        "shardkit pack fingers packed",
        "shardkit pack fingers packed --split train=0.9,val=0.1 --groups groups.csv",
        "shardkit pack faces packed --size 448 --codec zstd",
    ),
    exits=(0, 3, 5, 6, 7, 8, 130),
)
@click.argument("src", type=FOLDER)
@click.argument("dst", type=FOLDER)
@click.option(
    "--layout", metavar="TEMPLATE", help="Where subject and impression stand in a path: '{subject}/{impression}.png'."
)
@click.option(
    "--files",
    type=FILE,
    metavar="LIST",
    help="Pack the files that LIST names instead of all: one path a line, or {id: [path, …]} in a .json.",
)
@click.option("--exclude", type=FILE, metavar="LIST", help="Leave out the samples that LIST names, one key a line.")
@click.option("--from-arrays", is_flag=True, help="SRC holds images.bin and labels.bin, or images.npy and labels.npy.")
@click.option("--shape", metavar="CxHxW", help="Of one sample in images.bin, such as 3x32x32.")
@click.option("--split", metavar="SHARES", help="Split by subject: train=0.8,val=0.1,test=0.1.  [default: train alone]")
@click.option("--split-file", type=FILE, metavar="CSV", help="Split as the lines `subject,split` say.")
@click.option("--folds", type=Number(2, 1000), metavar="K", help="Split into fold0 … fold{K-1}.")
@click.option(
    "--groups",
    type=FILE,
    metavar="LIST",
    help="Keep together who is of one group: lines `subject,group`, or pairs [[id, id], …] in a .json.",
)
@click.option(
    "--codec",
    type=Choice(["png", "zstd", "lz4", "raw", "auto"]),
    help="How pixels are kept.  [default: png; of arrays, zstd]",
)
@click.option("--color", type=Choice(["gray", "rgb", "keep"]), default="keep", show_default=True, help="Channels.")
@click.option("--size", type=Number(1, MAX_SIZE), metavar="PIXELS", help="Resize to a square of so many pixels.")
@click.option(
    "--fit", type=Choice(["pad", "crop", "stretch"]), default="pad", show_default=True, help="How --size is met."
)
@click.option("--enhance", type=Choice(["gabor"]), help="Enhance the ridges of fingerprints.")
@click.option("--shard-size", default="256MB", show_default=True, metavar="BYTES", help="Of sources in a shard.")
@with_workers
@click.option("--engine", type=Choice(["local"]), default="local", show_default=True, help="Who makes the shards.")
@click.option("--task", metavar="I/N", help="Make only the share of task I of N; the last one to end merges.")
@with_on_error
@click.option(
    "--check",
    type=Choice(["header", "decode"]),
    default="header",
    show_default=True,
    help="How deeply images are checked.",
)
@click.option("--sha256", is_flag=True, help="Write SHA256SUMS too.")
@click.option("--replan", is_flag=True, help="Throw an unfinished pack away and start over.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def pack(**given: Any) -> int:  # noqa: ANN401
    """Pack the images below SRC, with their sidecars, into shards in the folder DST.

    Stopped at any moment, by whatever, the same command goes on. SRC is only read.
    """
    mine = parse_task(given["task"])
    request = build_request(given)
    workers = given["workers"] or count_cores()
    session.validate_paths(request)
    if given["dry_run"]:
        return _dry_run(request, workers, as_json=given["as_json"])
    with session.create_pack_folder(request.folder):
        return _pack(request, mine, workers, given)


def _pack(request: PackRequest, mine: tuple[int, int], workers: int, given: dict[str, Any]) -> int:
    if given["replan"]:
        session.discard_plan(request.folder)
    manifest = session.existing_dataset(request)
    if manifest is not None:
        say(f"{request.folder}: packed already. `shardkit append` adds what has come to {request.root} since.")
        return report_outcome(request.folder, manifest, as_json=given["as_json"])
    if not session.load_plan(request):
        _plan(request, workers, given)
    _make_my_shards(request, mine, workers, given)
    manifest = session.merge_if_last(request.folder, tasks=mine[1])
    if manifest is None:
        say(f"{request.folder}: this task is done, others are not. The last one merges; or run `shardkit merge` then.")
        if given["as_json"]:
            emit({"folder": str(request.folder), "merged": False})
        return 0
    return report_outcome(request.folder, manifest, as_json=given["as_json"])


def _plan(request: PackRequest, workers: int, given: dict[str, Any]) -> None:
    """Plan, unless another task has while this one waited for its turn."""
    with lock_folder(request.folder, wait=True):
        if session.load_plan(request) or (request.folder / MANIFEST).exists():
            return
        decided = _decided(request, workers)
        if given["on_error"] == "fail":
            decided.draft.check_no_skipped()
        for line in decision_lines(decided):
            say(line)
        decided.room.require(request.folder)
        session.save_plan(request.folder, decided.draft, decided.terms)


def _decided(request: PackRequest, workers: int, *, estimate: bool = False) -> PackDecision:
    if arrays := request.options.arrays:
        with show_progress("samples", arrays.samples) as going_through:
            draft = draft_array_plan(request, going_through.advance)
    else:
        with show_progress("files", 0) as scanning:
            draft = draft_plan(request, workers, scanning.advance)
    return decide(request, draft, estimate=estimate)


def _make_my_shards(request: PackRequest, mine: tuple[int, int], workers: int, given: dict[str, Any]) -> None:
    with lock_folder(request.folder, shared=True, wait=True):
        plan = load_plan(request)
        if plan is None:  # another has made the rest, and merged
            return
        if given["on_error"] == "fail":
            check_no_skipped(request.folder, plan)
        work = PackJob(request.root, request.folder, plan, fail_on_bad_input=given["on_error"] == "fail")
        make_shards(work, task_share(len(plan.shards), mine), given["engine"], workers)


def _dry_run(request: PackRequest, workers: int, *, as_json: bool) -> int:
    decided = _decided(request, workers, estimate=True)
    for line in dry_run_lines(decided, workers):
        say(line)
    if as_json:
        emit(dry_run_record(decided, workers))
    return 0
