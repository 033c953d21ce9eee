"""Life cycle of a pack: begin, resume, pack the shards, merge; each step can be killed and repeated.

Planning and merging are for one process; shards can be packed by many, each with a lock on its shard. A few files are
checked first: if most of them are missing or changed, the source is another one than was planned.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from shardkit.errors import Damaged, Locked, Mismatch, NoSpace, UsageError
from shardkit.format.generation import generation_files
from shardkit.format.manifest import read_manifest
from shardkit.pack.merge import merge
from shardkit.pack.options import OVERHEAD_PER_SAMPLE
from shardkit.pack.plan.planfile import PlanFile, PlanHeader, check_same_options, read_plan, write_plan
from shardkit.pack.plan.planner import PackRequest, PlanDraft, check_paths, check_request
from shardkit.pack.plan.sharding import PlannedShard
from shardkit.pack.remove.staging import drop_stale_record, finish_removal, is_removal_committed
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.pack.workspace import PARTS, SKIPPED, has_plan, has_workspace, remove_workspace, shard_lock
from shardkit.pack.write.receipts import ShardReceipt, read_receipt
from shardkit.pack.write.shard_writer import PackJob, pack_shard
from shardkit.parallel import CancelToken, Progress
from shardkit.reader.dataset import Dataset, open_dataset
from shardkit.schema import MANIFEST, Manifest
from shardkit.storage.atomic import make_folder
from shardkit.storage.errors import os_errors
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.lock import lock_folder

_LOOKED_AT = 256

_ADVICE = {True: "--replan starts over", False: "`shardkit append` adds what is new"}

ExpectedSource = tuple[bytes, int | None, int | None]
"""A source with its size and time, as far as they are known."""


def planned_sources(plan: PlanFile, numbers: Iterable[int]) -> list[ExpectedSource]:
    """Some that these shards will be made of."""
    rows: list[dict[str, Any]] = []
    for number in numbers:
        rows += plan.rows(number, ["source", "size", "mtime_ns"]).slice(0, _LOOKED_AT - len(rows)).to_pylist()
        if len(rows) == _LOOKED_AT:
            break
    return [(row["source"], row["size"], row["mtime_ns"]) for row in rows]


def packed_sources(dataset: Dataset) -> list[ExpectedSource]:
    """Some that the dataset was made of; only kept PNGs still have the size of their source."""
    kept = dataset.manifest.codec == "png" and not dataset.manifest.preparation
    shard = next((each for each in dataset.shards if each.samples), None)
    rows = dataset.rows(shard).slice(0, _LOOKED_AT).select(["source", "image"]).to_pylist() if shard else []
    return [(row["source"], row["image"]["size"] if kept else None, None) for row in rows]


def check_same_source(root: Path, expected: Iterable[ExpectedSource], folder: Path, *, unfinished: bool) -> None:
    """That some files have gone or changed, packing tells one by one. Most of them mean another source."""
    answers = [_as_expected(root, each) for each in expected]
    strange = answers.count(False)
    if 2 * strange > len(answers):
        raise Mismatch(
            f"{root}: of {len(answers):,} files that {folder} was made from, {strange:,} are not here or have changed. "
            f"Name the source that it was begun with. If the source itself has changed, {_ADVICE[unfinished]}."
        )


def _as_expected(root: Path, expected: ExpectedSource) -> bool:
    source, size, mtime_ns = expected
    try:
        found = os.stat(os.path.join(os.fsencode(root), source))  # noqa: PTH116, PTH118 - bytes
    except (OSError, ValueError):  # no path has a NUL
        return False
    return size in (None, found.st_size) and mtime_ns in (None, found.st_mtime_ns)


_MOMENT = 0.1

Engine = Callable[[Callable[[int, CancelToken], ShardReceipt], Iterable[int], int], Generator[ShardReceipt]]


def validate_paths(request: PackRequest) -> None:
    """What can be said before anything is looked through; nothing of the user's is ever overwritten."""
    folder = request.folder
    check_paths(request.root, folder)
    check_request(request)
    with os_errors(folder):
        strange = _strange(folder)
    if strange is not None:
        raise UsageError(f"{folder}: holds {strange!a} and no dataset. Name a new or an empty folder.")


def _strange(folder: Path) -> str | None:
    """What lies in a folder that is neither empty nor a dataset, be it unfinished."""
    if not folder.exists() or (folder / MANIFEST).exists() or has_workspace(folder):
        return None
    with os.scandir(folder) as entries:
        return next((each.name for each in entries), None)


@contextmanager
def create_pack_folder(folder: Path) -> Iterator[None]:
    """Make the folder of a pack. If the pack fails before anything is in it, remove it again."""
    with os_errors(folder):
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
    make_folder(folder)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # something is in it, so it stays
            for each in missing:
                each.rmdir()
        raise


def existing_dataset(request: PackRequest) -> Manifest | None:
    """The dataset, if it is whole: the same command again has nothing left to do."""
    if not (request.folder / MANIFEST).exists():
        return None
    if has_workspace(request.folder):
        with lock_folder(request.folder):  # a merge or an append may be at work in it
            recover(request.folder)
    manifest = read_manifest(request.folder)
    check_same_options(manifest.options, request.options, request.folder, unfinished=False)
    if not request.options.arrays:
        sources = packed_sources(open_dataset(request.folder))
        check_same_source(request.root, sources, request.folder, unfinished=False)
    return manifest


def recover(folder: Path, *, restart: bool = False) -> Manifest:
    """Finish what a process had committed when it was killed, and remove what it left.

    Every command that writes into a dataset does this first, before it decides anything: what is committed stays.
    With `restart`, what was not committed goes.
    """
    if is_removal_committed(folder):
        finish_removal(folder)
    manifest = read_manifest(folder)  # while it is damaged, nothing tells whether the record is stale
    drop_stale_record(folder, manifest)
    if restart:
        _discard_uncommitted(folder)
    elif has_workspace(folder) and (not has_plan(folder) or _is_committed(folder, manifest)):
        remove_workspace(folder)
    return manifest


def _is_committed(folder: Path, manifest: Manifest) -> bool:
    """Whether the plan in the workspace became a generation of the dataset."""
    return read_plan(folder).terms.generation <= manifest.current.number


def load_plan(request: PackRequest) -> PlanFile | None:
    """The plan of an earlier run, if there is one."""
    if not has_plan(request.folder):
        return None
    plan = read_plan(request.folder)
    check_same_options(plan.terms.options, request.options, request.folder, unfinished=True)
    return plan


def save_plan(folder: Path, draft: PlanDraft, terms: PlanHeader) -> PlanFile:
    """Publish the plan: from here on a rerun asks the source for bytes alone, and not what there is."""
    with _saying_need(draft.plan.shards, lambda: draft.plan.shards):
        return _save_plan(folder, draft, terms)


def _save_plan(folder: Path, draft: PlanDraft, terms: PlanHeader) -> PlanFile:
    inside = DatasetFolder(folder)
    inside.make_folder(PARTS)
    rows = draft.skipped.sort_by([("source", "ascending"), ("reason", "ascending")]).to_pylist()
    skips = (SkippedRecord.of(row["source"], row["reason"], row["detail"]) for row in rows)
    inside.publish_bytes(SKIPPED, b"".join(skip.line for skip in skips))
    return write_plan(folder, draft.plan, terms)


def discard_plan(folder: Path) -> None:
    """Throw away an unfinished pack; a whole dataset is never thrown away by us."""
    with lock_folder(folder):
        if (folder / MANIFEST).exists():
            raise UsageError(f"{folder}: a whole dataset is here, which --replan does not touch. Name another folder.")
        _discard_uncommitted(folder)


def _discard_uncommitted(folder: Path) -> None:
    """Throw away a generation that was not committed. No file that the dataset names is ever removed.

    Where the plan is damaged, its files are not known and stay: `verify` reports them.
    """
    inside = DatasetFolder(folder)
    with suppress(Damaged):
        plan = read_plan(folder) if has_plan(folder) else None
        staying = _files_of_dataset(folder) if inside.exists(MANIFEST) else set()
        for name in (_planned_files(inside, plan) if plan else set()) - staying:
            inside.remove_file(name)
    remove_workspace(folder)


def _planned_files(folder: DatasetFolder, plan: PlanFile) -> set[str]:
    tables = {f"index/{name}" for name in folder.names("index") if name.endswith(".parquet")}
    return {shard.name for shard in plan.shards} | {*generation_files(plan.terms.generation)} | tables


def _files_of_dataset(folder: Path) -> set[str]:
    dataset = open_dataset(folder)
    return {MANIFEST, *dataset.manifest.files, *(shard.name for shard in dataset.shards)}


def pending_shards(folder: Path, plan: PlanFile) -> list[int]:
    return [number for number, each in enumerate(plan.shards) if read_receipt(folder, each, plan.hash) is None]


def task_share(count: int, task: tuple[int, int]) -> range:
    """The shards of task i of n."""
    number, tasks = task
    return range(number - 1, count, tasks)


def pack_shards(work: PackJob, numbers: Sequence[int], engine: Engine, workers: int, watch: Progress) -> None:
    packing = engine(partial(_pack_one, work, watch), numbers, workers)
    # A signal may come between two of its steps: only if it is closed do its workers stop.
    with explain_disk_full(work.folder, work.plan), closing(packing):
        for _ in packing:
            pass


def merge_if_last(folder: Path, tasks: int) -> Manifest | None:
    """Merge, unless other tasks are still packing: then the last of them will."""
    try:
        with lock_folder(folder, wait=tasks == 1):
            if has_plan(folder) and pending_shards(folder, read_plan(folder)):
                return None
            return merge_or_recover(folder)
    except Locked:
        return None


def merge_or_recover(folder: Path) -> Manifest:
    """The dataset, made whole if it is not; the caller holds the folder."""
    if (folder / MANIFEST).exists():
        manifest = recover(folder)
        if not has_plan(folder):
            return manifest
    with explain_disk_full(folder, read_plan(folder)) if has_plan(folder) else nullcontext():
        return merge(folder)


def _pack_one(work: PackJob, watch: Progress, number: int, stop: CancelToken) -> ShardReceipt:
    def told(images: int, size: int) -> None:
        stop.raise_if_cancelled()
        watch(images, size)

    lock = shard_lock(work.plan.shards[number].name)
    while True:
        stop.raise_if_cancelled()
        with suppress(Locked), lock_folder(work.folder, lock):
            return pack_shard(work, number, told)
        time.sleep(_MOMENT)  # another process makes this shard: when it is there, or that one is gone, it is our turn


@contextmanager
def explain_disk_full(folder: Path, plan: PlanFile) -> Iterator[None]:
    """Say how much is still needed where the disk turns out to be full."""
    with _saying_need(plan.shards, lambda: [plan.shards[number] for number in pending_shards(folder, plan)]):
        yield


@contextmanager
def _saying_need(shards: Sequence[PlannedShard], left: Callable[[], Sequence[PlannedShard]]) -> Iterator[None]:
    try:
        yield
    except NoSpace as full:
        needed = sum(shard.bytes for shard in left()) + OVERHEAD_PER_SAMPLE * sum(shard.samples for shard in shards)
        raise NoSpace(f"{full} About {needed:,} bytes more are needed.") from full
