"""Unfinished commands in the workspace of a dataset, as far as `verify` needs to know them.

Files that a pack or append has made, or that a removal replaces, are neither damage nor stale files. A damaged file of
the workspace is a finding, and the rest of the dataset is verified all the same.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shardkit.format.generation import files_of
from shardkit.format.manifest import read_manifest
from shardkit.format.tables import SHARDS, read_table, shards_of
from shardkit.pack.workspace import (
    PLAN,
    QUARANTINE,
    REMOVAL,
    REMOVAL_RECORD,
    STAYING,
    advise_after_damaged_plan,
    advise_after_damaged_removal,
    part_name,
)
from shardkit.schema import MANIFEST, WORKPLACE
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import UNREADABLE, plain_file, plain_lines, reason_of
from shardkit.verify.findings import Finding, Kind
from shardkit.verify.inventory import INDEX_FOLDER


@dataclass(frozen=True)
class Underway:
    """What a command that has not ended explains."""

    files: frozenset[str] = frozenset()
    """Files that are not checked, since they are about to change or may be there already."""
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def find_odd_workspace(folder: Path) -> Iterator[Finding]:
    """Yield a finding if the workspace is not a folder: nothing in it is read then."""
    try:
        mode = (folder / WORKPLACE).lstat().st_mode
    except OSError:
        return
    if not stat.S_ISDIR(mode):
        yield Finding(Kind.ODD, WORKPLACE, text="This must be a folder, and is a link or a file. Remove it.")


def has_stale_files(folder: Path) -> bool:
    """Return whether a killed command left a workspace with more than the files that stay in it."""
    if not os.path.lexists(folder / WORKPLACE) or any(find_odd_workspace(folder)):
        return False
    names = {f"{WORKPLACE}/{name}" for name in DatasetFolder(folder).names(WORKPLACE)}
    return not names or bool(names - STAYING)


def packing(folder: Path) -> Underway:
    """Return the files that an unfinished pack or append may have made already."""
    return _read(folder, PLAN, _planned, advise_after_damaged_plan(folder))


def _planned(folder: Path) -> Underway:
    from shardkit.pack.plan.planfile import read_plan  # noqa: PLC0415 - it brings the image libraries along

    plan = read_plan(folder)
    index = {f"{INDEX_FOLDER}/{path.name}" for path in (folder / INDEX_FOLDER).glob("*.parquet")}
    names = {*files_of(plan.terms.generation), *(shard.name for shard in plan.shards), *index}
    note = f"{folder}: an unfinished {plan.terms.by} is here. Its files are not checked; the same command ends it."
    return Underway(frozenset(names), (note,))


def find_damaged_parts(folder: Path) -> Iterator[Finding]:
    """Yield a finding for each shard of an unfinished pack whose part cannot be used."""
    if not os.path.lexists(folder / PLAN) or any(find_odd_workspace(folder)):
        return
    from shardkit.pack.plan.planfile import read_plan  # noqa: PLC0415
    from shardkit.pack.write.receipts import finished  # noqa: PLC0415

    try:
        plan = read_plan(folder)
    except UNREADABLE:
        return
    for shard in plan.shards:
        try:
            finished(folder, shard, plan.hash)
        except UNREADABLE as error:
            advice = "Remove this file, then run the same command again: it packs the shard again."
            yield Finding(Kind.TABLE, part_name(shard.name), text=f"{reason_of(error)} {advice}")


def removing(folder: Path, files: frozenset[str], shards: dict[str, str]) -> Underway:
    """Return the files that a committed removal takes away, has put into place, or has yet to put there.

    `files` are those of the manifest, `shards` the BLAKE3 of each shard.
    """

    def staged(folder: Path) -> Underway:
        staging = folder / REMOVAL
        after = read_manifest(staging)
        name = after.current.shards
        table = (staging if (staging / name).exists() else folder) / name
        rows = shards_of(read_table(table, SHARDS, folder))
        tars = {each.name for each in rows if shards.get(each.name, each.blake3) != each.blake3}
        note = f"{folder}: a removal is not ended. Its files are not checked; the same `shardkit remove` ends it."
        return Underway(frozenset(after.files.keys() ^ files) | tars, (note,))

    return _read(folder, f"{REMOVAL}/{MANIFEST}", staged, advise_after_damaged_removal(folder))


def removal_record(folder: Path) -> Underway:
    """Report a damaged record of a removal: it says what the removal has still to report."""

    def parsed(folder: Path) -> Underway:
        from shardkit.pack.remove.staging import read_record  # noqa: PLC0415 - it brings the image libraries along

        read_record(folder)
        return Underway()

    return _read(folder, REMOVAL_RECORD, parsed, "Remove this file, then run the same `shardkit remove` again.")


def quarantined(folder: Path) -> Underway:
    """Return how many samples are in quarantine."""

    def counted(folder: Path) -> Underway:
        lost = sum(1 for _ in plain_lines(folder / QUARANTINE, folder))
        count = "1 sample is" if lost == 1 else f"{lost:,} samples are"
        return Underway(notes=(f"{folder}: {count} in quarantine: the bytes in the shard are damaged.",))

    return _read(folder, QUARANTINE, counted, "Remove this file: `shardkit repair` writes it again.")


def _read(folder: Path, name: str, read: Callable[[Path], Underway], advice: str) -> Underway:
    """Return what a file of the workspace says; if it cannot be read, that is a finding with the advice."""
    if not os.path.lexists(folder / name) or any(find_odd_workspace(folder)):
        return Underway()
    try:
        plain_file(folder / name, folder).close()
        return read(folder)
    except UNREADABLE as error:
        text = f"{reason_of(error).removesuffix(advice).rstrip()} {advice}"
        return Underway(findings=(Finding(Kind.TABLE, name, text=text),))
