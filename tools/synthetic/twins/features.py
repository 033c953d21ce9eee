"""Eyes, brows, nose and mouth: their proportions are traits, their small asymmetry is a mark."""

import numpy as np

from synthetic.fields import Float
from synthetic.twins.canvas import Canvas
from synthetic.twins.identity import Marks
from synthetic.twins.outline import POINTS, Point, arc, ellipse, lens, stroke
from synthetic.twins.palette import BLACK, WHITE, Colours
from synthetic.twins.traits import Traits

OUT_OF_PLACE = 0.009  # one standard deviation of an asymmetry


def paint_features(canvas: Canvas, traits: Traits, marks: Marks, palette: Colours) -> None:
    tip = traits.eye_level + traits.nose_length
    places = OUT_OF_PLACE * marks.contrast * marks.sides
    for side, (eye, brow, nostril) in zip((-1, 1), places[:, :3].tolist(), strict=True):
        at = (side * traits.eye_gap + eye[0], traits.eye_level + eye[1])
        _paint_eye(canvas, at, traits, palette, side)
        _paint_brow(canvas, (at[0] + brow[0], at[1] - traits.brow_lift + brow[1]), traits, palette, side)
        _paint_nostril(canvas, (side * traits.nose_width * 0.5 + nostril[0], tip + nostril[1]), traits, palette, side)
    _paint_mouth(canvas, tip + traits.mouth_drop, traits, palette, corners=places[:, 3])


def _paint_eye(canvas: Canvas, at: Point, traits: Traits, palette: Colours, side: int) -> None:
    width, height, slant = traits.eye_width, traits.eye_height, side * traits.eye_slant
    white = lens(at, width, height, height * 0.7, slant)
    iris = (at[0], at[1] - 0.1 * height)
    canvas.fill(lens(at, width * 1.08, height * 1.25, height * 0.9, slant), palette.shade, soft=0.008, opacity=0.6)
    canvas.fill(white, WHITE, soft=0.003)
    canvas.fill(ellipse(iris, 0.036, 0.036), palette.iris * 0.55, within=white)
    canvas.fill(ellipse(iris, 0.030, 0.030), palette.iris, soft=0.004, within=white)
    canvas.fill(ellipse(iris, 0.014, 0.014), BLACK, soft=0.003, within=white)
    canvas.fill(ellipse((iris[0] - 0.010, iris[1] - 0.011), 0.006, 0.006), WHITE, soft=0.002)
    lid = arc((at[0] - width, at[1] - slant * width), (at[0] + width, at[1] + slant * width), height)
    canvas.fill(stroke(lid, 0.014), palette.hair * 0.35, soft=0.003, opacity=0.9)
    canvas.fill(stroke(lid - (0, 0.022), 0.010), palette.shade, soft=0.004, opacity=0.7)


def _paint_brow(canvas: Canvas, at: Point, traits: Traits, palette: Colours, side: int) -> None:
    width = traits.eye_width * 1.25
    ends = sorted(((at[0] - side * width, at[1] + 0.012), (at[0] + side * width, at[1])))
    brow = stroke(arc(ends[0], ends[1], traits.brow_arch), 2 * traits.brow_weight)
    canvas.fill(brow, palette.hair * 0.7, soft=0.007, opacity=0.85)


def _paint_nostril(canvas: Canvas, at: Point, traits: Traits, palette: Colours, side: int) -> None:
    width = traits.nose_width
    hole = ellipse(at, width * 0.24, 0.013)
    wing = arc((at[0] + side * width * 0.40, at[1] - 0.045), (at[0] + side * width * 0.34, at[1] + 0.006), side * 0.018)
    canvas.fill(ellipse((at[0], at[1] + 0.012), width * 0.6, 0.012), palette.shade, soft=0.010, opacity=0.45)
    canvas.fill(stroke(wing, 0.016), palette.shade, soft=0.005, opacity=0.8)
    canvas.fill(hole, palette.shade * 0.45, soft=0.005, opacity=0.85)


def _paint_mouth(canvas: Canvas, level: float, traits: Traits, palette: Colours, corners: Float) -> None:
    """From corner to corner: the line where the lips meet, the upper lip with its bow above, the lower one below."""
    where = np.linspace(-1, 1, POINTS, dtype=np.float32)
    left, right = corners
    line = np.stack((traits.mouth_width * where, level - traits.smile * where**2), axis=1)
    line += np.where(where[:, None] < 0, left, right) * where[:, None] ** 2
    full = 1 - where**2
    bow = 1 - 0.3 * np.exp(-((where / 0.16) ** 2))
    upper = np.concatenate((line - np.outer(traits.upper_lip * full * bow, (0, 1)), line[::-1]))
    lower = np.concatenate((line + np.outer(traits.lower_lip * full, (0, 1)), line[::-1]))
    canvas.fill(upper, palette.lips * 0.86, soft=0.004)
    canvas.fill(lower, palette.lips, soft=0.004)
    canvas.fill(stroke(line, 0.009), palette.shade * 0.5, soft=0.003, opacity=0.8)
