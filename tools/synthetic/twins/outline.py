"""The outlines that a face is drawn with: arrays of points (x, y), x to the right and y down."""

import numpy as np

from synthetic.fields import Float

POINTS = 64
Point = tuple[float, float]


def ellipse(centre: Point, width: float, height: float, *, narrowing: float = 0.0) -> Float:
    """With `narrowing`, the lower half is drawn in like a chin."""
    turn = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    down = np.sin(turn)
    x = width * np.cos(turn) * (1 - narrowing * np.maximum(down, 0) ** 2)
    return _placed(x, height * down, centre)


def lens(centre: Point, width: float, upper: float, lower: float, slant: float = 0.0) -> Float:
    """Two arcs that meet in corners: an eye, or a lip."""
    x = np.cos(np.linspace(0, 2 * np.pi, POINTS, endpoint=False))
    above = np.arange(POINTS) < POINTS // 2
    y = np.where(above, -upper, lower) * (1 - x**2)
    return _placed(width * x, y + slant * width * x, centre)


def stroke(points: Float, weight: float) -> Float:
    """A line along the points, `weight` wide in its middle, that tapers to both ends."""
    along = np.gradient(points, axis=0)
    across = np.stack((-along[:, 1], along[:, 0]), axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    taper = weight / 2 * np.sin(np.linspace(0.25, np.pi - 0.25, len(points)))[:, None]
    return np.concatenate((points + taper * across, (points - taper * across)[::-1])).astype(np.float32)


def arc(start: Point, end: Point, bend: float) -> Float:
    """Points from `start` to `end` that leave the straight way to the left by `bend` in the middle."""
    where = np.linspace(0, 1, POINTS // 4)[:, None]
    begin, finish = np.array(start), np.array(end)
    left = np.array((finish[1] - begin[1], begin[0] - finish[0])) / np.linalg.norm(finish - begin)
    points: Float = (begin + where * (finish - begin) + bend * 4 * where * (1 - where) * left).astype(np.float32)
    return points


def _placed(x: Float, y: Float, centre: Point) -> Float:
    return np.stack((x + centre[0], y + centre[1]), axis=1).astype(np.float32)
