"""How a subject looks: head, skin, marks, features and hair, painted from back to front.

A portrait shows the subject straight and evenly lit; everything that changes between two images is added by a capture.
"""

import cv2
import numpy as np

from synthetic.fields import Float
from synthetic.twins.canvas import Canvas
from synthetic.twins.features import paint_features
from synthetic.twins.identity import Identity
from synthetic.twins.marks import grain, paint_marks
from synthetic.twins.outline import POINTS, arc, ellipse
from synthetic.twins.palette import Colours, colours
from synthetic.twins.traits import Traits

CHIN_SHADE, CHIN_SOFT = 0.5, 0.02
ROUNDNESS = 0.26  # how much darker the skin gets towards the edge of the head
FIELD_CONTRAST = 0.03
HAIR_SOFT = 0.008
SIDEBURN = 0.25  # how far, in radians, the hair comes down before the ears
TEMPLE = 0.03  # how much the hairline gives way at the temples
FEET = 1.2  # the neck runs out of the picture


def portrait(who: Identity, size: tuple[int, int]) -> Float:
    """Premultiplied RGB and coverage: see Canvas."""
    canvas, traits, palette = Canvas(np.zeros((*size, 4), np.float32)), who.traits, colours(who.traits)
    face = ellipse((0, 0), traits.head_width, traits.head_height, narrowing=traits.jaw)
    _paint_behind(canvas, traits, palette)
    canvas.fill(face, _skin(canvas, who, palette), soft=0.004)
    _paint_relief(canvas, traits, palette, face)
    paint_marks(canvas, who.marks, traits, palette)
    paint_features(canvas, traits, who.marks, palette)
    canvas.fill(_fringe(traits), palette.hair, soft=HAIR_SOFT)
    return canvas.pixels


def _paint_behind(canvas: Canvas, traits: Traits, palette: Colours) -> None:
    volume, long = traits.hair_volume, max(traits.hair_length, 0)
    back = ellipse((0, long / 2 - 0.08), traits.head_width + volume, traits.head_height + long / 2 + volume - 0.08)
    neck = np.array(((-0.25, 0.3), (0.25, 0.3), (0.27, 0.75), (0.6, FEET), (-0.6, FEET), (-0.27, 0.75)), np.float32)
    chin = ellipse((0, 0.07), traits.head_width * 0.8, traits.head_height, narrowing=traits.jaw)
    canvas.fill(back, palette.hair * 0.8, soft=HAIR_SOFT)
    canvas.fill(neck, palette.skin * 0.92, soft=0.012)
    canvas.fill(chin, palette.shade, soft=CHIN_SOFT, opacity=CHIN_SHADE, within=neck)


def _skin(canvas: Canvas, who: Identity, palette: Colours) -> Float:
    """Rounded by shade, with the subject's own field of colour and grain."""
    rows, columns = canvas.pixels.shape[:2]
    x, y = canvas.grid()
    shade = 1.03 - ROUNDNESS * ((x / who.traits.head_width) ** 2 + (y / who.traits.head_height) ** 2) ** 1.5
    field = cv2.resize(who.field, (columns, rows), interpolation=cv2.INTER_CUBIC)
    texture = grain(who.marks, (rows, columns))
    return palette.skin * (shade[..., None] + FIELD_CONTRAST * field + texture[..., None])


def _paint_relief(canvas: Canvas, traits: Traits, palette: Colours, face: Float) -> None:
    """Soft shadows and the red of the cheeks."""
    tip = traits.eye_level + traits.nose_length
    for side in (-1, 1):
        socket = ellipse((side * traits.eye_gap, traits.eye_level - 0.02), traits.eye_width * 1.35, 0.075)
        cheek = ellipse((side * traits.eye_gap * 1.25, tip - 0.02), 0.11, 0.09)
        flank = ellipse((side * traits.nose_width * 0.75, tip - 0.10), 0.022, traits.nose_length * 0.42)
        canvas.fill(socket, palette.shade, soft=0.03, opacity=0.32)
        canvas.fill(cheek, palette.lips, soft=0.05, opacity=0.22, within=face)
        canvas.fill(flank, palette.shade, soft=0.02, opacity=0.28)
    below_lips = ellipse((0, tip + traits.mouth_drop + traits.lower_lip + 0.035), traits.mouth_width * 0.5, 0.014)
    canvas.fill(below_lips, palette.shade, soft=0.016, opacity=0.35)


def _fringe(traits: Traits) -> Float:
    """Over the top of the head from one side to the other, and back along the hairline through the parting."""
    turn = np.linspace(np.pi - SIDEBURN, 2 * np.pi + SIDEBURN, POINTS)
    size = np.array((traits.head_width, traits.head_height)) + traits.hair_volume
    top = size * np.stack((np.cos(turn), np.sin(turn)), axis=1)
    left, right = top[0].tolist(), top[-1].tolist()
    crown = (traits.parting, -traits.head_height * (1 - traits.hairline))
    hairline = (arc(right, crown, -TEMPLE), arc(crown, left, -TEMPLE))
    return np.concatenate((top, *hairline)).astype(np.float32)
