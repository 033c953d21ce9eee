"""Comparison of the files in the folder with the recorded ones: missing, extra, or of another size.

Also the writer of the quarantine: the list of samples whose bytes are lost, for people and for `verify`, which counts
them. A damaged shard stays, since its other samples are intact. A stream does not read the list: it finds bad samples
by their digests.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shardkit.format.json_values import canonical_json
from shardkit.pack.workspace import QUARANTINE
from shardkit.schema import WORKSPACE
from shardkit.storage.atomic import final_name
from shardkit.storage.errors import os_errors
from shardkit.storage.folder import DatasetFolder
from shardkit.verify.findings import Finding, FindingKind

INDEX_FOLDER = "index"


@dataclass(frozen=True)
class FolderListing:
    """The files of a folder, with what the system says about each; None if it does not."""

    files: Mapping[str, os.stat_result | None]

    def size(self, name: str) -> int | None:
        """Of a regular file; of anything else None."""
        status = self.files.get(name)
        return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else None

    def regular(self, name: str) -> bool:
        return self.size(name) is not None


def list_folder(folder: Path) -> FolderListing:
    files = dict(_entries(folder, ""))
    inner = files.get(INDEX_FOLDER)
    if inner is not None and stat.S_ISDIR(inner.st_mode):
        del files[INDEX_FOLDER]
        files |= dict(_entries(folder / INDEX_FOLDER, f"{INDEX_FOLDER}/"))
    files.pop(WORKSPACE, None)
    return FolderListing(files)


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result | None]]:
    with os_errors(folder), os.scandir(folder) as entries:
        for entry in entries:
            yield prefix + entry.name, _status(entry)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def compare_listing(
    expected: Mapping[str, int | None], there: FolderListing, coming: frozenset[str]
) -> Iterator[Finding]:
    """What differs from what should be there; `coming` may be there already."""
    for name, size in expected.items():
        if name not in there.files:
            yield Finding(FindingKind.MISSING, name, text="This file is missing.")
            continue
        yield from _one(name, size, there)
    for name in there.files.keys() - expected.keys() - coming:
        final = _final(name)
        if final not in coming:
            yield _unexpected_file(name, leftover=final in expected)


def _final(name: str) -> str | None:
    """The name under which a temporary file was to be published, with its folder."""
    folder, slash, last = name.rpartition("/")
    final = final_name(last)
    return final and f"{folder}{slash}{final}"


def _one(name: str, size: int | None, there: FolderListing) -> Iterator[Finding]:
    status = there.files[name]
    if status is None:
        yield Finding(FindingKind.UNREADABLE, name, text="The disk does not say what this is.")
    elif not stat.S_ISREG(status.st_mode):
        yield Finding(FindingKind.ODD, name, text="This must be a file, and is a link, a folder or a device.")
    elif size is not None and status.st_size != size:
        cut = status.st_size < size
        yield Finding(
            FindingKind.SIZE,
            name,
            offset=min(size, status.st_size),
            expected=f"{size:,} bytes",
            found=f"{status.st_size:,}",
            text="It was cut off." if cut else "Something was appended.",
        )


def _unexpected_file(name: str, *, leftover: bool) -> Finding:
    if leftover:
        return Finding(FindingKind.LEFTOVER, name, text="Rubbish that a killed process left: it can be removed.")
    return Finding(FindingKind.EXTRA, name, text="This does not belong to the dataset. Move it away if you need it.")


def write_quarantine(folder: Path, lost: list[tuple[str, str, str]]) -> None:
    """List (shard, key, why), or take the list away when nothing is lost."""
    inside = DatasetFolder(folder)
    if lost:
        lines = (canonical_json({"shard": shard, "key": key, "why": why}) for shard, key, why in lost)
        inside.publish_bytes(QUARANTINE, b"".join(lines))
    elif inside.remove_file(QUARANTINE):
        inside.flush()
