"""Unfinished commands in the workspace of a dataset, as far as `verify` needs to know them.

Files that a pack or append has made, or that a removal replaces, are neither damage nor stale files. A damaged file of
the workspace is a finding, and the rest of the dataset is verified all the same.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shardkit.format.generation import generation_files
from shardkit.format.manifest import read_manifest
from shardkit.format.tables import SHARDS, read_table, shards_of
from shardkit.pack.workspace import (
    PERMANENT_FILES,
    PLAN,
    QUARANTINE,
    REMOVAL,
    REMOVAL_RECORD,
    advise_after_damaged_plan,
    advise_after_damaged_removal,
    receipt_name,
)
from shardkit.schema import MANIFEST, WORKSPACE
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import READ_ERRORS, describe_error, iter_lines, open_regular
from shardkit.verify.findings import Finding, FindingKind
from shardkit.verify.inventory import INDEX_FOLDER


@dataclass(frozen=True)
class UnfinishedWork:
    """What a command that has not ended explains."""

    files: frozenset[str] = frozenset()
    """Files that are not checked, since they are about to change or may be there already."""
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def find_invalid_workspace(folder: Path) -> Iterator[Finding]:
    """Yield a finding if the workspace is not a folder: nothing in it is read then."""
    try:
        mode = (folder / WORKSPACE).lstat().st_mode
    except OSError:
        return
    if not stat.S_ISDIR(mode):
        yield Finding(FindingKind.ODD, WORKSPACE, text="This must be a folder, and is a link or a file. Remove it.")


def has_stale_files(folder: Path) -> bool:
    """Return whether a killed command left a workspace with more than the files that stay in it."""
    if not os.path.lexists(folder / WORKSPACE) or any(find_invalid_workspace(folder)):
        return False
    names = {f"{WORKSPACE}/{name}" for name in DatasetFolder(folder).names(WORKSPACE)}
    return not names or bool(names - PERMANENT_FILES)


def find_unfinished_pack(folder: Path) -> UnfinishedWork:
    """Return the files that an unfinished pack or append may have made already."""
    return _read(folder, PLAN, _find_planned_files, advise_after_damaged_plan(folder))


def _find_planned_files(folder: Path) -> UnfinishedWork:
    from shardkit.pack.plan.planfile import read_plan  # noqa: PLC0415 - it brings the image libraries along

    plan = read_plan(folder)
    index = {f"{INDEX_FOLDER}/{path.name}" for path in (folder / INDEX_FOLDER).glob("*.parquet")}
    names = {*generation_files(plan.terms.generation), *(shard.name for shard in plan.shards), *index}
    note = f"{folder}: an unfinished {plan.terms.by} is here. Its files are not checked; the same command ends it."
    return UnfinishedWork(frozenset(names), (note,))


def find_damaged_parts(folder: Path) -> Iterator[Finding]:
    """Yield a finding for each shard of an unfinished pack whose part cannot be used."""
    if not os.path.lexists(folder / PLAN) or any(find_invalid_workspace(folder)):
        return
    from shardkit.pack.plan.planfile import read_plan  # noqa: PLC0415
    from shardkit.pack.write.receipts import read_receipt  # noqa: PLC0415

    try:
        plan = read_plan(folder)
    except READ_ERRORS:
        return
    for shard in plan.shards:
        try:
            read_receipt(folder, shard, plan.hash)
        except READ_ERRORS as error:
            advice = "Remove this file, then run the same command again: it packs the shard again."
            yield Finding(FindingKind.TABLE, receipt_name(shard.name), text=f"{describe_error(error)} {advice}")


def find_unfinished_removal(folder: Path, files: frozenset[str], shards: dict[str, str]) -> UnfinishedWork:
    """Return the files that a committed removal takes away, has put into place, or has yet to put there.

    `files` are those of the manifest, `shards` the BLAKE3 of each shard.
    """

    def staged(folder: Path) -> UnfinishedWork:
        staging = folder / REMOVAL
        after = read_manifest(staging)
        name = after.current.shards
        table = (staging if (staging / name).exists() else folder) / name
        rows = shards_of(read_table(table, SHARDS, folder))
        tars = {each.name for each in rows if shards.get(each.name, each.blake3) != each.blake3}
        note = f"{folder}: a removal is not ended. Its files are not checked; the same `shardkit remove` ends it."
        return UnfinishedWork(frozenset(after.files.keys() ^ files) | tars, (note,))

    return _read(folder, f"{REMOVAL}/{MANIFEST}", staged, advise_after_damaged_removal(folder))


def check_removal_record(folder: Path) -> UnfinishedWork:
    """Report a damaged record of a removal: it says what the removal has still to report."""

    def parsed(folder: Path) -> UnfinishedWork:
        from shardkit.pack.remove.staging import read_record  # noqa: PLC0415 - it brings the image libraries along

        read_record(folder)
        return UnfinishedWork()

    return _read(folder, REMOVAL_RECORD, parsed, "Remove this file, then run the same `shardkit remove` again.")


def count_quarantined(folder: Path) -> UnfinishedWork:
    """Return how many samples are in quarantine."""

    def counted(folder: Path) -> UnfinishedWork:
        lost = sum(1 for _ in iter_lines(folder / QUARANTINE, folder))
        count = "1 sample is" if lost == 1 else f"{lost:,} samples are"
        return UnfinishedWork(notes=(f"{folder}: {count} in quarantine: the bytes in the shard are damaged.",))

    return _read(folder, QUARANTINE, counted, "Remove this file: `shardkit repair` writes it again.")


def _read(folder: Path, name: str, read: Callable[[Path], UnfinishedWork], advice: str) -> UnfinishedWork:
    """Return what a file of the workspace says; if it cannot be read, that is a finding with the advice."""
    if not os.path.lexists(folder / name) or any(find_invalid_workspace(folder)):
        return UnfinishedWork()
    try:
        open_regular(folder / name, folder).close()
        return read(folder)
    except READ_ERRORS as error:
        text = f"{describe_error(error).removesuffix(advice).rstrip()} {advice}"
        return UnfinishedWork(findings=(Finding(FindingKind.TABLE, name, text=text),))
