"""Random fields without sharp edges: what skin, pressure and light have in common."""

import math

import cv2
import numpy as np

from synthetic.fields import Float


def smooth(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Float:
    """Draw a field of about unit variance whose features are `grain` pixels wide."""
    # One spare knot on every side: the border of an enlarged image is flat, and would show.
    knots = tuple(math.ceil(side / grain) + 3 for side in shape)
    values = rng.standard_normal(knots, dtype=np.float32)
    enlarged = cv2.resize(values, (int(knots[1] * grain), int(knots[0] * grain)), interpolation=cv2.INTER_CUBIC)
    border = int(grain)
    return np.ascontiguousarray(enlarged[border : border + shape[0], border : border + shape[1]])
