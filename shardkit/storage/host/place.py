"""What lies at a path, at a glance: nothing here looks at more than a few names of a folder."""

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.storage.host.facts import Contents, Place

_NAMES_A_FOLDER = 100
_FOLDERS_A_LEVEL = 3
_LEVELS = 4
_SOURCES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".bin")


def place_of(path: Path) -> Place:
    """The place that a path means. One that does not exist yet means the folder that it goes into."""
    checked = path if path.exists() else path.absolute().parent
    if not checked.exists():
        raise UsageError(f"{path}: neither this nor {checked} exists. Name the folder where a dataset is, or will be.")
    if checked is not path and not checked.is_dir():
        raise UsageError(f"{path}: {checked} is a file. Name a folder.")
    return Place(str(path), str(checked), _contents(checked), os.access(checked, os.W_OK))


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
        entries += islice(names, _NAMES_A_FOLDER)
    if any(entry.name.lower().endswith(_SOURCES) for entry in entries):
        return True
    folders = (Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    return levels > 1 and any(_holds_sources(each, levels - 1) for each in islice(folders, _FOLDERS_A_LEVEL))
