"""Steps of a repair, in order and repeated until no finding changes.

Each file is rebuilt from intact ones: tables from the index and the lists; the index from its intact columns, the tars
and the tree; tars from their own payloads and the tree; checksum lists and manifest from all of them. Only files that a
digest confirms are published. Everything else is left as it is, and reported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import Damaged, UsageError
from shardkit.format.manifest import publish_manifest, read_manifest
from shardkit.pack.workspace import ADOPTED, has_plan
from shardkit.schema import MANIFEST, Manifest
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import READ_ERRORS
from shardkit.verify.inventory import write_quarantine
from shardkit.verify.recorded import rebuild_manifest
from shardkit.verify.repair.context import RepairContext
from shardkit.verify.repair.files import remove_leftovers, repair_manifest, repair_skipped, repair_sums, update_digests
from shardkit.verify.repair.index import repair_index
from shardkit.verify.repair.shards import repair_misplaced, repair_tars
from shardkit.verify.repair.tables import repair_shard_tables, repair_subjects
from shardkit.verify.verifier import Report

# In this order: a later step builds upon what an earlier one has mended.
_STEPS = (
    repair_shard_tables,
    repair_misplaced,
    repair_index,
    repair_subjects,
    repair_skipped,
    repair_tars,
    update_digests,
    repair_sums,
    update_digests,
    repair_manifest,
    remove_leftovers,
)
# What the manifest was damaged with is only found once there is one again.
_ROUNDS = 3

VerifyAgain = Callable[[], Report]


@dataclass(frozen=True)
class RepairResult:
    mended: tuple[str, ...]
    left: tuple[str, ...]
    report: Report


def repair(folder: Path, source: Path | None, say: Callable[[str], None], verified: VerifyAgain) -> RepairResult:
    """Mend what can be mended; the caller holds the folder."""
    mended: dict[str, None] = {}
    if not DatasetFolder(folder).exists(MANIFEST):
        _check_committed(folder)
        publish_manifest(DatasetFolder(folder), _remade(folder))
        say(f"{MANIFEST}: made again from the tables.")
        mended[MANIFEST] = None
    report = verified()
    left: list[str] = []
    for _ in range(_ROUNDS):
        if not report.findings:
            break
        mending = RepairContext(folder, _manifest(folder), source, report.findings, say)
        for step in _STEPS:
            with mending.isolated():
                step(mending)
        write_quarantine(folder, mending.quarantine)
        mended |= dict.fromkeys(sorted(mending.rewritten))
        left = mending.left
        before, report = report, verified()
        if report.findings == before.findings:
            break
    if not report.findings:
        write_quarantine(folder, [])
    return RepairResult(tuple(mended), tuple(left) if report.findings else (), report)


def _check_committed(folder: Path) -> None:
    """What was never committed has no manifest to rebuild: the command that began it completes it."""
    from shardkit.pack.plan.planfile import read_plan  # noqa: PLC0415 - it brings the image libraries along

    if DatasetFolder(folder).exists(ADOPTED) or (has_plan(folder) and read_plan(folder).terms.generation == 0):
        command = "index" if DatasetFolder(folder).exists(ADOPTED) else "pack"
        raise UsageError(
            f"{folder}: there is no dataset to repair yet, `shardkit {command}` was stopped here. "
            "Run the same command again: it resumes where it stopped."
        )


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = read_manifest(folder)
    except Damaged:
        return _remade(folder)
    _check_digests(manifest, folder / MANIFEST)
    return manifest


def _check_digests(manifest: Manifest, path: Path) -> None:
    """Raise Damaged if the manifest lacks the digest of a table: nothing can be repaired without it."""
    tables = {name for each in manifest.generations for name in (each.shards, each.subjects, each.listed, *each.index)}
    for name in sorted(tables):
        if name == MANIFEST or name not in manifest.files:
            raise Damaged(
                f"{path}: expected a digest of its table {name!a}, got none. shardkit does not write such a manifest. "
                "Move it away and repair again: it is rebuilt from the tables."
            )


def _remade(folder: Path) -> Manifest:
    if not any(folder.glob("shards*.parquet")):
        raise UsageError(f"{folder}: no dataset is here, neither a manifest nor a table of shards.")
    try:
        return rebuild_manifest(folder)
    except READ_ERRORS as error:
        raise Damaged(
            f"{folder / MANIFEST}: it cannot be made again, the tables are damaged too ({error}). "
            "The shards may be whole: `shardkit index` adopts them as they are."
        ) from error
