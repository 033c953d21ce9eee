"""Minutiae as text, in the two dialects of `.mnt` that readers expect.

Dialect 1: a name · `count height width` · a line `x y theta` a minutia.
Dialect 2: `count` · `width height` · the same lines.

x and y are whole pixels, theta radians as in `minutiae`. Neither dialect says what is an ending and what a fork.
"""

import numpy as np

from synthetic.fingerprints.minutiae import Minutiae


def to_mnt(minutiae: Minutiae, name: str, shape: tuple[int, int], dialect: int) -> bytes:
    rows, columns = shape
    count = len(minutiae)
    head = [name, f"{count} {rows} {columns}"] if dialect == 1 else [f"{count}", f"{columns} {rows}"]
    points = zip(minutiae.x.tolist(), minutiae.y.tolist(), minutiae.theta.tolist(), strict=True)
    return "\n".join([*head, *(f"{int(x)} {int(y)} {theta:.4f}" for x, y, theta in points), ""]).encode()


def from_mnt(text: str) -> Minutiae:
    """Read either dialect, which both have two lines of head. Every point is taken for an ending."""
    points = np.array([line.split() for line in text.splitlines()[2:]], dtype=np.float32).reshape(-1, 3)
    x, y, theta = points.T
    # A whole number stands for the pixel: its middle is the best guess.
    return Minutiae(x + 0.5, y + 0.5, theta, np.ones(len(points), dtype=bool))
