"""Painting what tells twins apart: moles, freckles, fine lines and the grain of the skin."""

import numpy as np

from synthetic.fields import Float
from synthetic.smooth import smooth
from synthetic.twins.canvas import Canvas
from synthetic.twins.identity import Marks
from synthetic.twins.outline import arc, ellipse, stroke
from synthetic.twins.palette import Colours
from synthetic.twins.traits import Traits

ON_THE_FACE = 0.86  # marks keep away from the outline of the head
MOLE_RADII, FRECKLE_RADII = (0.007, 0.020), (0.003, 0.009)

GRAIN, GRAIN_WIDTH = 0.022, 0.018

# Where skin folds: forehead, corner of the eye, under the eye, beside the mouth, between the brows.
FOLDS = np.array(
    (
        ((-0.50, -0.55), (0.40, -0.57)),
        ((-0.45, -0.46), (0.45, -0.44)),
        ((-0.72, -0.12), (-0.88, -0.18)),
        ((0.72, -0.06), (0.88, -0.02)),
        ((-0.56, 0.05), (-0.28, 0.08)),
        ((0.56, 0.05), (0.28, 0.08)),
        ((-0.27, 0.28), (-0.42, 0.50)),
        ((0.27, 0.28), (0.42, 0.50)),
        ((-0.07, -0.24), (-0.06, -0.12)),
    )
)
WANDER, BEND = 0.06, 0.08
LINE_WEIGHT, LINE_SOFT, LINE_OPACITY = 0.008, 0.004, 0.8

SPOT_SOFT, LEAST_DARKNESS = 0.3, 0.3
MOLE_SHADE = 0.6


def grain(marks: Marks, size: tuple[int, int]) -> Float:
    key = np.random.Generator(np.random.SFC64(marks.grain))
    return np.float32(GRAIN * marks.contrast) * smooth(key, size, GRAIN_WIDTH * min(size) / 2)


def paint_marks(canvas: Canvas, marks: Marks, traits: Traits, palette: Colours) -> None:
    head = np.array((traits.head_width, traits.head_height), np.float32)
    for fold, line in zip(FOLDS * head, marks.lines, strict=True):
        _paint_line(canvas, fold, line, palette.shade, marks.contrast)
    for spots, radii, colour in (
        (marks.freckles, FRECKLE_RADII, palette.shade),
        (marks.moles, MOLE_RADII, palette.shade * MOLE_SHADE),
    ):
        for across, down, size, darkness in spots.tolist():
            at = (ON_THE_FACE * across * traits.head_width, ON_THE_FACE * down * traits.head_height)
            radius = radii[0] + (radii[1] - radii[0]) * size
            opacity = (LEAST_DARKNESS + (1 - LEAST_DARKNESS) * darkness) * marks.contrast
            canvas.fill(ellipse(at, radius, radius), colour, soft=SPOT_SOFT * radius, opacity=opacity)


def _paint_line(canvas: Canvas, fold: Float, line: Float, colour: Float, contrast: float) -> None:
    across, down, bend, depth = line.tolist()
    start, end = (fold + WANDER * (np.array((across, down)) - 0.5)).tolist()
    crease = stroke(arc(start, end, BEND * (bend - 0.5)), LINE_WEIGHT)
    canvas.fill(crease, colour, soft=LINE_SOFT, opacity=LINE_OPACITY * depth * contrast)
