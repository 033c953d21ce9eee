"""Comparing two prints by their minutiae, as verification was done before networks: it says how hard the prints are.

Each minutia is described by its neighbours, seen from its own place and direction: a grid of cells around it, each
holding how much there is nearby in each of a few directions (the idea of Cappelli's minutia cylinder code). So the
description stays the same when the finger turns or shifts. Two prints are as similar as their most similar pairs of
minutiae, each used once.
"""

from dataclasses import dataclass

import numpy as np

from synthetic.fields import Complex, Float
from synthetic.fingerprints.minutiae import Minutiae

RADIUS = 75.0
CELLS_A_SIDE = 10
DIRECTIONS = 6
PLACE_SIGMA = 8.0
DIRECTION_SIGMA = np.radians(30)
# Fingers are not put down upside down: minutiae turned by more against each other are not the same.
LARGEST_TURN = np.radians(60)
# Pairs that decide: few prints share more than a dozen minutiae in a common part.
PAIRS = 10
# A minutia with fewer neighbours says nothing about the finger.
FEWEST_NEIGHBOURS = 3


@dataclass(frozen=True)
class Template:
    """One row a minutia: what it is surrounded by, and its direction."""

    surroundings: Float
    theta: Float


def template(minutiae: Minutiae) -> Template:
    place = minutiae.x - 1j * minutiae.y  # y up, as theta has it
    seen = (place[None] - place[:, None]) * np.exp(-1j * minutiae.theta)[:, None]
    turned = minutiae.theta[None] - minutiae.theta[:, None]
    near = (np.abs(seen) < RADIUS + 2 * PLACE_SIGMA) & ~np.eye(len(minutiae), dtype=bool)
    at_place = np.exp(-(np.abs(seen[:, :, None] - _cells()) ** 2) / (2 * PLACE_SIGMA**2)) * near[:, :, None]
    centres = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    in_direction = np.exp(-(_wrapped(turned[:, :, None] - centres) ** 2) / (2 * DIRECTION_SIGMA**2))
    mass = np.einsum("ijc,ijd->icd", at_place, in_direction).reshape(len(minutiae), len(_cells()) * DIRECTIONS)
    enough = near.sum(axis=1) >= FEWEST_NEIGHBOURS
    # Saturates: whether something is there counts more than how much.
    return Template(np.tanh(2 * mass[enough]).astype(np.float32), minutiae.theta[enough])


def similarity(one: Template, other: Template) -> float:
    """0 for nothing in common, towards 1 for the same print."""
    if not len(one.theta) or not len(other.theta):
        return 0.0
    lengths = (np.linalg.norm(each.surroundings, axis=1) for each in (one, other))
    total = np.add.outer(*lengths)
    squared = (one.surroundings**2).sum(1)[:, None] + (other.surroundings**2).sum(1)[None]
    apart = np.sqrt(np.maximum(squared - 2 * one.surroundings @ other.surroundings.T, 0))
    alike = 1 - apart / np.maximum(total, 1e-9)
    alike[np.abs(_wrapped(one.theta[:, None] - other.theta[None])) > LARGEST_TURN] = 0
    return _best_pairs(alike)


def _best_pairs(alike: Float) -> float:
    """The mean of the best pairs, taking the best first and using no minutia twice."""
    total, left = 0.0, alike.copy()
    for _ in range(PAIRS):
        row, column = divmod(int(left.argmax()), left.shape[1])
        total += float(left[row, column])
        left[row], left[:, column] = 0, 0
    return total / PAIRS


def _cells() -> Complex:
    side = (np.arange(CELLS_A_SIDE) + 0.5) / CELLS_A_SIDE * 2 * RADIUS - RADIUS
    grid = (side[None] + 1j * side[:, None]).ravel()
    return grid[np.abs(grid) <= RADIUS]


def _wrapped(angle: Float) -> Float:
    return np.mod(angle + np.pi, 2 * np.pi) - np.pi
