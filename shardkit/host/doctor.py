"""Advice of `shardkit doctor`: the contents of a path, trial operations, and the findings of all checks.

Only a few names of each folder are read. What packing relies on is tried in the folder, since a file system may refuse
what its type promises.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from shardkit.errors import Locked, ShardkitError, StorageFailing, UsageError
from shardkit.host.disk_checks import check_file_system, check_storage
from shardkit.host.facts import Contents, Host, Location
from shardkit.host.findings import Finding, Severity
from shardkit.host.machine_checks import check_machine
from shardkit.storage.atomic import publish_bytes
from shardkit.storage.lock import lock_folder


def diagnose(host: Host) -> list[Finding]:
    """Everything there is to say about the host: the worst first, and the disk before the machine."""
    findings = [*check_file_system(host), *check_storage(host), *check_machine(host)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


_NAMES_PER_FOLDER = 100

_FOLDERS_PER_LEVEL = 3

_LEVELS = 4

_SOURCES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".bin")


def locate(path: Path) -> Location:
    """The place that a path means. One that does not exist yet means the folder that it goes into."""
    checked = path if path.exists() else path.absolute().parent
    if not checked.exists():
        raise UsageError(f"{path}: neither this nor {checked} exists. Name the folder where a dataset is, or will be.")
    if checked is not path and not checked.is_dir():
        raise UsageError(f"{path}: {checked} is a file. Name a folder.")
    return Location(str(path), str(checked), _contents(checked), os.access(checked, os.W_OK))


def _contents(folder: Path) -> Contents:
    if not folder.is_dir():
        return Contents.FILE
    if (folder / "manifest.json").exists():
        return Contents.DATASET
    if (folder / ".shardkit").exists():
        return Contents.UNFINISHED
    if _holds_sources(folder, _LEVELS):
        return Contents.SOURCE_TREE
    return Contents.OTHER if any(folder.iterdir()) else Contents.EMPTY


def _holds_sources(folder: Path, levels: int) -> bool:
    entries: list[os.DirEntry[str]] = []
    with suppress(PermissionError), os.scandir(folder) as names:
        entries += islice(names, _NAMES_PER_FOLDER)
    if any(entry.name.lower().endswith(_SOURCES) for entry in entries):
        return True
    folders = (Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    return levels > 1 and any(_holds_sources(each, levels - 1) for each in islice(folders, _FOLDERS_PER_LEVEL))


Operation = Callable[[Path], None]


def try_operations(folder: Path, attempts: Mapping[str, Operation]) -> dict[str, str | None]:
    """What was said against each attempt, made in a folder that goes with it; None is success."""
    try:
        # A network file system may keep the name of a deleted file for a while: then its folder cannot go yet.
        with TemporaryDirectory(prefix=".shardkit-doctor-", dir=folder, ignore_cleanup_errors=True) as probe:
            return {what: _refusal(attempt, Path(probe)) for what, attempt in attempts.items()}
    except OSError as error:
        return {"make a folder": str(error)}


def _refusal(attempt: Operation, folder: Path) -> str | None:
    try:
        attempt(folder)
    except (OSError, ShardkitError) as error:
        return str(error)
    return None


def _publish(folder: Path) -> None:
    publish_bytes(folder / "shard", b"tried")


def _lock(folder: Path) -> None:
    with lock_folder(folder):
        try:
            with lock_folder(folder):
                raise StorageFailing("a second lock was granted while the first was held")
        except Locked:
            return


OPERATIONS = {"publish a file": _publish, "lock a folder": _lock}
