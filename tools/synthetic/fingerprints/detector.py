"""Finding minutiae in a picture, as other people's software does: binarise, thin to a skeleton, count crossings.

It knows nothing of how the prints were made, so it can judge whether the ground truth is true.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synthetic.fields import Float, Image, Mask
from synthetic.fingerprints.minutiae import Minutiae, in_one_turn

# Within so many pixels of the contact's rim every ridge ends, which means nothing.
RIM = 16
# A skeleton branch shorter than this is a burr of the ridge's outline.
SPUR = 4
# How far along its lines a minutia's direction is read: less than a ridge period, so that no neighbour joins in.
REACH = 7
FORK = 3
# Pixels before and behind a pixel on its ridge that it is averaged with.
SMOOTHED = 6
# Around a pixel, in order: the crossing number counts the changes along this ring.
RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


@dataclass(frozen=True)
class Detection:
    """What was found, and the area in which anything could be found."""

    minutiae: Minutiae
    area: Mask


def detect(image: Image) -> Detection:
    blurred = np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0), np.float32)
    angle = ridge_angle(blurred)
    ridges, area = binarised(along_ridges(blurred, angle))
    skeleton = without_spurs(thinned(ridges))
    crossings = crossing_number(skeleton)
    rows, columns = np.nonzero(((crossings == 1) | (crossings == FORK)) & area)
    x, y = (columns + 0.5).astype(np.float32), (rows + 0.5).astype(np.float32)
    theta = _pointing_back(skeleton, angle)[rows, columns]
    return Detection(Minutiae(x, y, theta, crossings[rows, columns] == 1), area)


def _pointing_back(skeleton: Mask, angle: Float) -> Float:
    """Of a ridge's two directions the one in which more of the skeleton lies: back along an ending ridge, or between
    a fork's two branches.
    """
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].astype(np.float32)
    disc = np.hypot(x, y) <= REACH
    mass = skeleton.astype(np.float32)
    to_x, to_y = (cv2.filter2D(mass, -1, side * disc) for side in (x, y))
    behind = to_x * np.cos(angle) + to_y * np.sin(angle) < 0
    return in_one_turn(-(angle + np.pi * behind))


def binarised(smooth: Float) -> tuple[Mask, Mask]:
    """Ridges, and where the finger touches, without the rim."""
    local = cv2.GaussianBlur(smooth, (0, 0), 8)
    spread = cv2.GaussianBlur((smooth - local) ** 2, (0, 0), 6)
    touched = (spread > 0.25 * np.percentile(spread, 90)).astype(np.uint8)
    closed = cv2.morphologyEx(touched, cv2.MORPH_CLOSE, _disc(RIM))
    # Nothing is known beyond the picture: its own border is a rim too.
    area = cv2.erode(closed, _disc(RIM), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return smooth < local, area > 0


def ridge_angle(image: Float) -> Float:
    """The angle of the ridges, from the x axis towards y, in [0, π)."""
    across_x, across_y = cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1)
    # Gradients of a ridge's two flanks are opposite; their squares as complex numbers agree, and can be averaged.
    real = cv2.GaussianBlur(across_x**2 - across_y**2, (0, 0), 7)
    imaginary = cv2.GaussianBlur(2 * across_x * across_y, (0, 0), 7)
    return 0.5 * (np.arctan2(imaginary, real) + np.pi)


def along_ridges(image: Float, angle: Float) -> Float:
    """Average each pixel with those before and behind it on its ridge, which closes pores and dry breaks."""
    rows, columns = np.indices(image.shape, dtype=np.float32)
    total = np.zeros_like(image)
    for step in range(-SMOOTHED, SMOOTHED + 1):
        at_x, at_y = columns + step * np.cos(angle), rows + step * np.sin(angle)
        total += cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return total / (2 * SMOOTHED + 1)


def _disc(radius: int) -> Image:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)


def thinned(ridges: Mask) -> Mask:
    """Peel a shape to lines one pixel wide without breaking it (Zhang and Suen's parallel thinning)."""
    shape = np.pad(ridges, 1)
    while True:
        before = shape.sum()
        for first in (True, False):
            shape &= ~_peel(shape, first=first)
        if shape.sum() == before:
            return shape[1:-1, 1:-1]


def _peel(shape: Mask, *, first: bool) -> Mask:
    north, _, east, _, south, _, west, _ = ring = _ring(shape)
    count = sum(neighbour.astype(np.int8) for neighbour in ring)
    steps = sum((~here & after).astype(np.int8) for here, after in zip(ring, ring[1:] + ring[:1], strict=True))
    if first:
        side = ~(north & east & south) & ~(east & south & west)
    else:
        side = ~(north & east & west) & ~(north & south & west)
    return shape & (count >= 2) & (count <= 6) & (steps == 1) & side  # noqa: PLR2004 - the published conditions


def _ring(shape: Mask) -> list[Mask]:
    return [np.roll(shape, (-row, -column), (0, 1)) for row, column in RING]


def crossing_number(skeleton: Mask) -> NDArray[np.int8]:
    """At each skeleton pixel how many lines leave it: 1 at an ending, 2 on a line, 3 at a fork."""
    ring = _ring(np.pad(skeleton, 1))
    changes = sum((here ^ after).astype(np.int8) for here, after in zip(ring, ring[1:] + ring[:1], strict=True))
    counted: NDArray[np.int8] = np.asarray(changes)[1:-1, 1:-1] // 2
    return np.where(skeleton, counted, 0).astype(np.int8)


def without_spurs(skeleton: Mask) -> Mask:
    """Remove branches shorter than SPUR: peel every ending back, then let the survivors grow to where they were."""
    peeled = skeleton.copy()
    for _ in range(SPUR):
        peeled &= crossing_number(peeled) > 1
    tips = peeled & (crossing_number(peeled) <= 1)
    grown = peeled.copy()
    cross = np.ones((3, 3), np.uint8)
    for _ in range(SPUR):
        tips = (cv2.dilate(tips.astype(np.uint8), cross) > 0) & skeleton & ~grown
        grown |= tips
    return grown
