"""Minutiae as text, in the two dialects of `.mnt` that readers expect.

Dialect 1: a name · `count height width` · a line `x y theta` a minutia.
Dialect 2: `count` · `width height` · the same lines.

x and y are whole pixels, theta radians as in `minutiae`. Neither dialect says what is an ending and what a fork.
"""

import math
from dataclasses import dataclass

import numpy as np

from synthetic.fingerprints.minutiae import Minutiae, in_one_turn

HEAD_LINES = 2


@dataclass(frozen=True)
class Mnt:
    """What a file says: the minutiae, and the rows and columns of the picture in which they lie."""

    minutiae: Minutiae
    shape: tuple[int, int]


def to_mnt(minutiae: Minutiae, name: str, shape: tuple[int, int], dialect: int) -> bytes:
    rows, columns = shape
    count = len(minutiae)
    head = [name, f"{count} {rows} {columns}"] if dialect == 1 else [f"{count}", f"{columns} {rows}"]
    # Rounded first: what is nearly a whole turn would else be written as more than one.
    theta = in_one_turn(np.round(minutiae.theta, 4))
    points = zip(minutiae.x.tolist(), minutiae.y.tolist(), theta.tolist(), strict=True)
    return "\n".join([*head, *(f"{int(x)} {int(y)} {angle:.4f}" for x, y, angle in points), ""]).encode()


def from_mnt(text: str) -> Mnt:
    """Read either dialect; a ValueError names the line that cannot be meant. Every point is taken for an ending."""
    lines = text.rstrip().splitlines()
    count, shape = _head(lines[:HEAD_LINES])
    points = [_point(line, number, shape) for number, line in enumerate(lines[HEAD_LINES:], HEAD_LINES + 1)]
    if len(points) != count:
        raise ValueError(f"line {len(lines)}: it ends after {len(points)} minutiae, but its head says {count}")
    x, y, theta = np.array(points).reshape(-1, 3).T
    # A whole number stands for the pixel: its middle is the best guess.
    x, y = (np.floor(side).astype(np.float32) + np.float32(0.5) for side in (x, y))
    return Mnt(Minutiae(x, y, in_one_turn(theta), np.ones(count, dtype=bool)), shape)


def _head(lines: list[str]) -> tuple[int, tuple[int, int]]:
    """The number of minutiae, and the picture's rows and columns."""
    match [_whole_numbers(line) for line in lines]:
        case [_, [count, rows, columns]]:
            return count, (rows, columns)
        case [[count], [columns, rows]]:
            return count, (rows, columns)
    raise ValueError(
        "lines 1 and 2: neither a name and `count height width` (dialect 1) nor `count` and `width height` (dialect 2)"
    )


def _whole_numbers(line: str) -> list[int]:
    """The numbers of a line, or none if anything else is in it."""
    words = line.split()
    return [int(word) for word in words] if all(word.isdecimal() for word in words) else []


def _point(line: str, number: int, shape: tuple[int, int]) -> tuple[float, float, float]:
    rows, columns = shape
    try:
        x, y, theta = (float(word) for word in line.split())
    except ValueError:
        raise ValueError(f"line {number}: {line!r} is not `x y theta`, three numbers") from None
    if not math.isfinite(theta):
        raise ValueError(f"line {number}: the angle {theta} is no finite number")
    if not (0 <= x < columns and 0 <= y < rows):
        raise ValueError(f"line {number}: ({x:g}, {y:g}) lies outside the picture of {columns} x {rows} pixels")
    return x, y, theta
