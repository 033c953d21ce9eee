"""Minutiae: where a ridge ends or forks, in which direction, and how they are found in a phase.

Across the ridges the phase advances by one turn a ridge. Around a minutia it does not come back to itself, since on one
side there is a ridge more: it has a residue of +1 or -1. A minutia's direction points to the side with the ridge more;
if it is a ridge that begins there, the ridge ends at the minutia, and if it is a valley, the ridge forks.

`theta` is in radians, counter-clockwise from the x axis as one sees it (y up), in [0, 2π): the convention of ISO/IEC
19794-2, where an ending points back along its ridge and a fork along the valley between its branches.
"""

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from synthetic.fields import Complex, Float, Mask

Field = TypeVar("Field", Float, Complex)

# Two residues of opposite sign closer than this are a wobble of one ridge, which no eye would call two minutiae.
PAIR_DISTANCE = 6.0
# In periods: where the line that begins at a minutia shows whether it is a ridge or a valley.
AHEAD = 0.6


@dataclass(frozen=True)
class Minutiae:
    """Columns of one length; `ending` is true for an ending, false for a fork."""

    x: Float
    y: Float
    theta: Float
    ending: Mask

    def __len__(self) -> int:
        return len(self.x)

    def where(self, keep: Mask) -> "Minutiae":
        return Minutiae(self.x[keep], self.y[keep], self.theta[keep], self.ending[keep])


def find_minutiae(response: Complex, angle: Float, period: float) -> Minutiae:
    """The minutiae of a quadrature response over ridges at `angle`, in pixels."""
    turns = residues(response, angle)
    rows, columns = _without_close_pairs(turns)
    # A ridge's angle is known up to half a turn; the sign of the residue says which half has the ridge more.
    direction = angle[rows, columns] + np.where(turns[rows, columns] > 0, 0, np.pi)
    # A residue lies between four pixels, of which (row, column) is the first: half a pixel on from its middle.
    ahead_x = columns + 0.5 + AHEAD * period * np.cos(direction)
    ahead_y = rows + 0.5 + AHEAD * period * np.sin(direction)
    ending = sample(np.cos(np.angle(response)), ahead_x, ahead_y) > 0
    x, y = (columns + 1).astype(np.float32), (rows + 1).astype(np.float32)
    return Minutiae(x, y, in_one_turn(-direction), ending)


def in_one_turn(angle: Float) -> Float:
    """The same angle in [0, 2π), as float32."""
    turned = np.mod(angle, 2 * np.pi).astype(np.float32)
    # Just below 0 the remainder is so close to a whole turn that it is rounded up to it.
    return np.where(turned < 2 * np.pi, turned, np.float32(0))


def residues(response: Complex, angle: Float) -> NDArray[np.int8]:
    """How often the phase turns around each square of four pixels."""
    first = _corner(response, 0, 0)
    before = np.angle(first)
    total = np.zeros_like(before)
    for row, column in ((0, 1), (1, 1), (1, 0), (0, 0)):
        # Where a neighbour's ridge counts as turned by half, it sees the phase run the other way.
        turned = np.cos(_corner(angle, row, column) - _corner(angle, 0, 0)) < 0
        here = _corner(response, row, column)
        phase = np.angle(np.where(turned, here.conj(), here))
        total += np.mod(phase - before + np.pi, 2 * np.pi) - np.pi
        before = phase
    return np.round(total / (2 * np.pi)).astype(np.int8)


def _corner(field: Field, row: int, column: int) -> Field:
    return field[row : field.shape[0] - 1 + row, column : field.shape[1] - 1 + column]


def _without_close_pairs(turns: NDArray[np.int8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.nonzero(turns)
    keep = np.ones(len(rows), dtype=bool)
    signs = turns[rows, columns]
    distance = np.hypot(rows[:, None] - rows[None], columns[:, None] - columns[None])
    distance[signs[:, None] == signs[None]] = np.inf
    for one, other in np.argwhere(distance < PAIR_DISTANCE):
        if keep[one] and keep[other]:
            keep[[one, other]] = False
    return rows[keep], columns[keep]


def sample(field: Float, x: Float, y: Float) -> Float:
    """The field between its pixels."""
    if not len(x):
        return np.zeros(0, np.float32)
    at = cv2.remap(field, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(at.ravel(), np.float32)
