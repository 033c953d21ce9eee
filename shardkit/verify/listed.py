"""What `B3SUMS` still knows when nothing else does."""

import re
from pathlib import Path

from shardkit.format.manifest import NAME
from shardkit.verify.reading import is_regular

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def listed(folder: Path) -> dict[str, str]:
    """The BLAKE3 of every file that some B3SUMS lists."""
    return {name: digest for path in sorted(folder.glob("B3SUMS*")) for name, digest in listed_in(path).items()}


def listed_in(path: Path) -> dict[str, str]:
    """What one list says; a damaged line is no line."""
    lines = path.read_bytes().decode("ascii", "replace").split("\n") if is_regular(path) else ()
    found = filter(None, map(_LINE.fullmatch, lines))
    return {each[2]: each[1] for each in found if NAME.fullmatch(each[2].removeprefix("index/"))}
