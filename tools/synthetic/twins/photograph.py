"""Taking one image of a portrait: from who and how to pixels."""

import math

import cv2
import numpy as np

from synthetic.fields import Float, Image
from synthetic.twins.canvas import Canvas
from synthetic.twins.capture import Capture, Light, Pose
from synthetic.twins.outline import ellipse

OCCLUSION_SOFT = 0.012


def photograph(portrait: Float, seen: Capture) -> Image:
    """An image of the portrait's size, in red, green and blue."""
    rows, columns = portrait.shape[:2]
    matrix = _matrix(seen.pose, rows, columns)
    posed = cv2.warpAffine(portrait, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    scene = Canvas(np.asarray(posed, np.float32))
    if seen.occlusion:
        disc = ellipse((seen.occlusion.x, seen.occlusion.y), seen.occlusion.radius, seen.occlusion.radius)
        scene.fill(disc, seen.occlusion.colour, soft=OCCLUSION_SOFT)
    background = cv2.resize(seen.background, (columns, rows), interpolation=cv2.INTER_CUBIC)
    picture = scene.pixels[..., :3] + (1 - scene.pixels[..., 3:]) * background
    picture *= _light(seen.light, scene)
    return _sensed(picture, seen)


def _matrix(pose: Pose, rows: int, columns: int) -> Float:
    """The affine map of a turn and a scale about the centre, then a shift."""
    about_centre = cv2.getRotationMatrix2D((columns / 2, rows / 2), math.degrees(pose.turn), pose.scale)
    shift = np.array((pose.right, pose.down)) * min(rows, columns) / 2
    return np.asarray(about_centre + np.pad(shift[:, None], ((0, 0), (2, 0))), np.float64)


def _light(light: Light, scene: Canvas) -> Float:
    x, y = scene.grid()
    fall = 1 + light.slope * (x * math.cos(light.direction) + y * math.sin(light.direction))
    return fall[..., None] * light.gain


def _sensed(picture: Float, seen: Capture) -> Image:
    """Through the lens, which blurs, onto a sensor, which is noisy."""
    sigma = seen.blur / 1000 * min(picture.shape[:2])
    grain = np.random.Generator(np.random.SFC64(seen.grain)).standard_normal(picture.shape, dtype=np.float32)
    read = cv2.GaussianBlur(picture, (0, 0), sigma) + np.float32(seen.noise) * grain
    return np.clip(read * 255 + 0.5, 0, 255).astype(np.uint8)
