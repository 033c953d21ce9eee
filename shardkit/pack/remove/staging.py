"""Removal on disk: its record, its commit, and the completion of an interrupted one.

All new files wait in `.shardkit/removal`. The manifest among them is the commit: before it the dataset is unchanged,
and after it any later command moves the files to their names, as often as it takes. `removal.json` records what was
removed. It stays until the result was checked and reported, so that the same command can do that after a kill too.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from shardkit.errors import Damaged, UsageError
from shardkit.format.json_values import canonical_json, decode_dataclass
from shardkit.format.manifest import read_manifest
from shardkit.pack.remove.preview import Removal
from shardkit.pack.workspace import QUARANTINE, REMOVAL, REMOVAL_RECORD, advise_after_damaged_removal
from shardkit.reader.dataset import Dataset
from shardkit.schema import MANIFEST, Manifest, Seal, Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import hash_file, iter_lines

_LARGEST_RECORD = 64 << 20


@dataclass(frozen=True)
class RemovalRecord:
    """A removal and the generation that it made: a record of another generation was not committed."""

    removal: Removal
    generation: int
    digest: str


def write_record(folder: Path, record: RemovalRecord) -> None:
    content = canonical_json(asdict(record))
    if len(content) > _LARGEST_RECORD:
        raise UsageError(f"{folder}: too many subjects for one removal. Remove them in several runs.")
    DatasetFolder(folder).publish_bytes(REMOVAL_RECORD, content)


def read_record(folder: Path) -> RemovalRecord:
    """Return the record of a removal; Damaged, ValueError or RecursionError if it is not a valid one."""
    return decode_dataclass(
        json.loads(DatasetFolder(folder).read_bytes(REMOVAL_RECORD, _LARGEST_RECORD)), RemovalRecord
    )


def unreported_removal(folder: Path, manifest: Manifest) -> RemovalRecord | None:
    """Return the record of a removal that was committed and not reported yet; None if there is no valid one."""
    if not DatasetFolder(folder).has_file(REMOVAL_RECORD):
        return None
    with suppress(Damaged, ValueError, RecursionError):
        record = read_record(folder)
        made = ((each.number, each.digest) for each in manifest.generations)
        return record if (record.generation, record.digest) in made else None
    return None


def drop_stale_record(folder: Path, manifest: Manifest) -> None:
    """Remove the record of a removal that was not committed; there is none whose result could be reported."""
    if unreported_removal(folder, manifest) is None:
        DatasetFolder(folder).remove(REMOVAL_RECORD)


def clear_record(folder: Path) -> None:
    """Remove the record of a removal that was reported."""
    DatasetFolder(folder).remove_file(REMOVAL_RECORD)


def drop_from_quarantine(folder: Path, subjects: Iterable[str]) -> None:
    """Remove the lines about these subjects from the list of samples whose bytes are lost."""
    inside, gone = DatasetFolder(folder), frozenset(subjects)
    if not inside.exists(QUARANTINE):
        return
    lines = list[bytes]()
    with suppress(Damaged):  # a list that is not one goes
        lines = [*iter_lines(folder / QUARANTINE, folder)]
    staying = [line for line in lines if not _is_about(line, gone)]
    if not staying:
        inside.remove(QUARANTINE)
    elif len(staying) < len(lines):
        inside.publish_bytes(QUARANTINE, b"".join(line + b"\n" for line in staying))


def _is_about(line: bytes, subjects: frozenset[str]) -> bool:
    """Return whether a line is about one of the subjects; one that cannot be read could be about any."""
    try:
        return str(json.loads(line)["key"]).partition("/")[0] in subjects
    except (ValueError, KeyError, TypeError, RecursionError):
        return True


def removal_staging(folder: Path) -> DatasetFolder:
    return DatasetFolder(folder).below(REMOVAL)


def is_removal_committed(folder: Path) -> bool:
    return removal_staging(folder).exists(MANIFEST)


def finish_removal(folder: Path) -> None:
    """Move the files of a committed removal to their names, from wherever it was stopped."""
    inside, staging = DatasetFolder(folder), removal_staging(folder)
    before, after = _manifest_before(folder), _staged_manifest(staging)
    if before and before.current.number >= after.current.number:
        raise _unfinished(staging, MANIFEST, f"generation {after.current.number} is there already")
    # All files are checked before the first one is moved.
    moves = [name for name in sorted(after.files) if _is_waiting(inside, staging, name)]
    for name in moves:
        _check_content(staging, name, staging.path / name, after.files[name])
    shards = {shard.name: shard for shard in _staged_shards(staging, after)}
    replaced = {shard.name: shard.blake3 for shard in _shards_before(folder, before)}
    if replaced and replaced.keys() != shards.keys():
        raise _unfinished(staging, after.current.shards, "other shards than those of the dataset")
    for name, shard in sorted(shards.items()):
        seal = Seal(shard.blake3, shard.size)
        if _is_waiting(inside, staging, name):
            moves.append(name)
            _check_content(staging, name, staging.path / name, seal)
        elif replaced.get(name, shard.blake3) != shard.blake3:
            _check_content(staging, name, folder / name, seal)  # moved before the removal was stopped
    for name in moves:
        inside.move(f"{REMOVAL}/{name}", name)
    for name in sorted({*(before.files if before else ())} - {MANIFEST, *after.files, *shards}):
        inside.remove_file(name)
    inside.move(f"{REMOVAL}/{MANIFEST}", MANIFEST)
    inside.remove_folder(REMOVAL)


def _is_waiting(folder: DatasetFolder, staging: DatasetFolder, name: str) -> bool:
    """Return whether a file is still to be moved; if not, it must be in its place."""
    there, status = folder.has_file(name), staging.status(name)
    if status is None and not there:
        raise _unfinished(staging, name, "missing")
    if status is not None and not staging.has_file(name):
        raise _unfinished(staging, name, "not a plain file")
    return status is not None


def _check_content(staging: DatasetFolder, name: str, path: Path, expected: Seal) -> None:
    if (size := path.lstat().st_size) != expected.size:
        raise _unfinished(staging, name, f"expected {expected.size:,} bytes, got {size:,}")
    if hash_file(path, staging.dataset) != expected:
        raise _unfinished(staging, name, "its content does not have the recorded BLAKE3")


def _manifest_before(folder: Path) -> Manifest | None:
    """Return what the removal started from; None if it is damaged, so that the damage does not keep the removal."""
    with suppress(Damaged, UsageError):
        return read_manifest(folder)
    return None


def _shards_before(folder: Path, before: Manifest | None) -> tuple[Shard, ...]:
    """Return the shards that the removal started from; none if that cannot be read any more."""
    if before:
        with suppress(Damaged, UsageError):
            return Dataset(folder, before, before.current).shards
    return ()


def _staged_manifest(staging: DatasetFolder) -> Manifest:
    try:
        after = read_manifest(staging.path)
    except (Damaged, UsageError) as error:
        raise _unfinished(staging, MANIFEST, "not a valid manifest") from error
    if MANIFEST in after.files or [each.by for each in after.generations] != ["remove"]:
        raise _unfinished(staging, MANIFEST, "not the manifest of a removal")
    return after


def _staged_shards(staging: DatasetFolder, after: Manifest) -> tuple[Shard, ...]:
    table = after.current.shards
    place = staging.path if staging.exists(table) else staging.dataset
    shards = Dataset(place, after, after.current).shards
    if odd := {each.name for each in shards} & {MANIFEST, *after.files}:
        raise _unfinished(staging, table, f"{min(odd)!r} is not the name of a shard")
    return shards


def _unfinished(staging: DatasetFolder, name: str, what: str) -> Damaged:
    return Damaged(
        f"{staging.path / name}: {what}, so the interrupted removal cannot be finished. "
        f"{advise_after_damaged_removal(staging.dataset)}"
    )
