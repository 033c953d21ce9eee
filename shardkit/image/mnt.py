"""Minutiae as `.mnt` files say them, in either dialect, brought to where their picture is served.

    dialect 1    a name · `count height width` · `x y theta` a line
    dialect 2    `count` · `width height` · the same lines

x and y are pixels, theta is in radians, counter-clockwise from the x axis as one sees it.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import BadInput
from shardkit.image.geometry import Geometry

Minutiae = NDArray[np.float32]
"""x, y, theta a line."""

MOST = 1 << 16
NONE: Minutiae = np.empty((0, 3), np.float32)
_LONGEST = 1 << 22
_HEAD = 2


def from_mnt(content: bytes | memoryview) -> Minutiae:
    """The minutiae as they stand in the file; BadInput says which line cannot be meant."""
    if len(content) > _LONGEST:
        raise _refused(f"it has {len(content):,} bytes, more than {MOST:,} minutiae take")
    lines = bytes(content).split(b"\n", _HEAD)
    count = _count([_whole_numbers(line) for line in lines[:_HEAD]])
    words = lines[_HEAD].split() if len(lines) > _HEAD else []
    try:
        found = np.array(words, np.float64)
    except ValueError:
        raise _refused("behind its head stands something that is no number") from None
    if len(found) != 3 * count or not np.isfinite(found).all():
        raise _refused(f"its head says {count:,} minutiae, and {len(found):,} numbers follow instead of {3 * count:,}")
    return found.reshape(-1, 3).astype(np.float32)


def moved(minutiae: Minutiae, geometries: Iterable[Geometry]) -> Minutiae:
    """Where minutiae go when their picture does; a direction goes where a short step along it goes."""
    points = minutiae[:, :2].astype(np.float64)
    theta = minutiae[:, 2].astype(np.float64)
    step = np.stack([np.cos(theta), -np.sin(theta)], axis=1)  # y counts downwards in a picture
    ahead = points + step
    for geometry in geometries:
        points, ahead = geometry.map_points(points), geometry.map_points(ahead)
    along = ahead - points
    turned = np.arctan2(-along[:, 1], along[:, 0]) % (2 * np.pi)
    return np.column_stack([points, turned]).astype(np.float32)


def _count(head: list[list[int]]) -> int:
    match head:
        case [_, [count, _, _]] | [[count], [_, _]]:
            if count <= MOST:
                return count
    raise _refused("neither a name and `count height width` (dialect 1) nor `count` and `width height` (dialect 2)")


def _whole_numbers(line: bytes) -> list[int]:
    words = line.split()
    return [int(word) for word in words] if all(word.isdigit() and len(word) <= 9 for word in words) else []  # noqa: PLR2004 - digits


def _refused(what: str) -> BadInput:
    return BadInput("bad-minutiae", f"the minutiae cannot be read: {what}.")
