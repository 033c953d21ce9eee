"""What `B3SUMS` still knows when nothing else does."""

import re
from contextlib import suppress
from pathlib import Path

from shardkit.format.manifest import NAME
from shardkit.format.plain_file import plain_lines
from shardkit.verify.reading import UNREADABLE, is_regular

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


LARGEST = 1 << 30
"""A list of a dataset is smaller: 8 million files with names of 64 bytes."""


def listed(folder: Path) -> dict[str, str]:
    """The BLAKE3 of every file that some B3SUMS lists."""
    return {name: digest for path in sorted(folder.glob("B3SUMS*")) for name, digest in listed_in(path).items()}


def listed_in(path: Path) -> dict[str, str]:
    """What one list says; a damaged line is no line, and what cannot be read says nothing."""
    found: dict[str, str] = {}
    if not is_regular(path) or path.stat().st_size > LARGEST:
        return found
    with suppress(*UNREADABLE):
        for line in plain_lines(path):
            match = _LINE.fullmatch(line.decode("ascii", "replace"))
            if match and NAME.fullmatch(match[2].removeprefix("index/")):
                found[match[2]] = match[1]
    return found
