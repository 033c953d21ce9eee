"""The page cache before a measurement: `warm` has read every file of a tree, `cold` has made the kernel forget them."""

import os
from collections.abc import Iterator
from pathlib import Path

SWITCH = Path("/proc/sys/vm/drop_caches")
EVERYTHING = "3"  # pages, directory entries and inodes
HOW = f"{EVERYTHING} written to {SWITCH}" if os.access(SWITCH, os.W_OK) else "posix_fadvise DONTNEED on every file"


def warm(tree: Path) -> None:
    os.sync()
    for file in files_below(tree):
        file.read_bytes()


def cold(tree: Path) -> None:
    os.sync()  # a page that is not on the disk yet cannot be forgotten
    if os.access(SWITCH, os.W_OK):
        SWITCH.write_text(EVERYTHING)
    else:
        forget(tree)


def forget(tree: Path) -> None:
    """Only the files of a tree: the program that is going to read them stays in memory."""
    os.sync()
    for file in files_below(tree):
        _forget(file)


def files_below(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*")) if path.is_file())


def _forget(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
