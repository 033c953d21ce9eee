"""How a finger lies on the sensor: one map from the image to the finger, for pixels and minutiae alike.

For every pixel of the image the map says which point of the master shows there. Pixels follow it directly; a minutia
goes the other way, so the map is inverted at its place (step by step with the middle's derivative, which suffices for a
map this smooth) and its direction goes through the map's own derivative there.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic.fields import Float, Mask
from synthetic.fingerprints.minutiae import Minutiae, in_one_turn, sample
from synthetic.fingerprints.orientation import finger_grid
from synthetic.smooth import smooth

# A point of the plane against the index of the pixel around it: a pixel's middle is half a pixel from its corner.
PIXEL_MIDDLE = np.float32(0.5)

INVERSION_STEPS = 8
# In pixels; what the steps do not reach lies outside the image.
INVERSION_TOLERANCE = 0.3
DERIVATIVE_STEP = np.float32(1.5)

# How far skin differs from its plan from one place to the next, in pixels.
UNEVENNESS = 1.6


@dataclass(frozen=True)
class Placement:
    """Where and how the finger comes down. Angles in radians, lengths in pixels."""

    rotation: float
    shift: tuple[float, float]
    scale: float
    # The skin sticks where it first touches and is dragged around it when the finger turns or slides.
    torsion: float
    drag: tuple[float, float]


def draw_placement(rng: np.random.Generator, shape: tuple[int, int]) -> Placement:
    """Most fingers come down nearly straight; how far one lies off the middle grows with the sensor."""
    turn, x, y, scale, torsion, drag_x, drag_y = np.clip(rng.standard_normal(7), -2.2, 2.2)
    reach = min(shape) / 320
    return Placement(
        rotation=np.radians(8 * turn),
        shift=(11 * reach * x, 13 * reach * y),
        scale=1 + 0.015 * scale,
        torsion=np.radians(3.5 * torsion),
        drag=(4 * drag_x, 4 * drag_y),
    )


@dataclass(frozen=True)
class Pose:
    """The map as two fields: the master's x and y at every pixel of the image."""

    x: Float
    y: Float

    def ridges(self, master: Float) -> Float:
        seen = cv2.remap(master, self.x, self.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(seen, np.float32)

    def minutiae(self, master: Minutiae) -> Minutiae:
        """The master's minutiae where the image shows them; those outside it are dropped."""
        target = np.stack([master.x, master.y], axis=1) - PIXEL_MIDDLE
        place = self._found(target)
        seen = (np.abs(self._at(place) - target).max(axis=1) < INVERSION_TOLERANCE) & self._inside(place)
        place, master = place[seen], master.where(seen)
        ahead = np.stack([np.cos(master.theta), -np.sin(master.theta)], axis=1)
        direction = np.linalg.solve(self._derivative(place), ahead[:, :, None])[:, :, 0]
        theta = in_one_turn(np.arctan2(-direction[:, 1], direction[:, 0]))
        x, y = (place + PIXEL_MIDDLE).T.astype(np.float32)
        return Minutiae(x, y, theta, master.ending)

    def _found(self, target: Float) -> Float:
        """The places of the image that show the points `target` of the master."""
        middle = np.array([self._middle], dtype=np.float32)
        back = np.linalg.inv(self._derivative(middle)[0]).T
        place = middle + (target - self._at(middle)) @ back
        for _ in range(INVERSION_STEPS):
            place = place + (target - self._at(place)) @ back
        return place

    def _inside(self, place: Float) -> Mask:
        """Inside with a margin, so that the derivative can be taken."""
        last = np.array(self.x.shape[::-1]) - 1 - DERIVATIVE_STEP
        return np.all((place >= DERIVATIVE_STEP) & (place <= last), axis=1)

    def _at(self, place: Float) -> Float:
        """The master's point at each place of the image, also between pixels."""
        return np.stack([sample(self.x, *place.T), sample(self.y, *place.T)], axis=1)

    def _derivative(self, place: Float) -> Float:
        by_x, by_y = (
            (self._at(place + step) - self._at(place - step)) / (2 * DERIVATIVE_STEP)
            for step in DERIVATIVE_STEP * np.eye(2, dtype=np.float32)
        )
        return np.stack([by_x, by_y], axis=2)

    @property
    def _middle(self) -> tuple[float, float]:
        rows, columns = self.x.shape
        return (columns - 1) / 2, (rows - 1) / 2


def pose(placement: Placement, shape: tuple[int, int], master: tuple[int, int], rng: np.random.Generator) -> Pose:
    """The map of an image of `shape` into a master, with the skin's own unevenness drawn from `rng`."""
    x, y = (field - shift for field, shift in zip(finger_grid(shape), placement.shift, strict=True))
    radius = np.hypot(x, y) / (0.45 * min(shape))
    # Full where the finger sticks, none at the rim.
    stuck = np.exp(-(radius**2))
    angle = placement.rotation + placement.torsion * stuck
    turned_x = (np.cos(angle) * x - np.sin(angle) * y) * placement.scale
    turned_y = (np.sin(angle) * x + np.cos(angle) * y) * placement.scale
    unevenness = (UNEVENNESS * smooth(rng, shape, 80) for _ in range(2))
    fields = (
        turned + drag * stuck + uneven + side / 2 - PIXEL_MIDDLE
        for turned, drag, uneven, side in zip(
            (turned_x, turned_y), placement.drag, unevenness, master[::-1], strict=True
        )
    )
    return Pose(*(np.ascontiguousarray(field, dtype=np.float32) for field in fields))
