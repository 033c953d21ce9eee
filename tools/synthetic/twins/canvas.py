"""Painting soft shapes onto a picture with transparency."""

import cv2
import numpy as np

from synthetic.fields import Float

SUBPIXEL_BITS = 4
HARD = 0.002  # an edge that looks sharp and has no steps
LEAST_BLUR = 0.5  # of a pixel: below, the edge is as soft by itself


class Canvas:
    """Coordinates are in halves of the shorter side, from the centre, x to the right and y down.

    Pixels are red, green, blue and coverage from 0 to 1, the colours multiplied by the coverage: so painting one shape
    over another, warping and laying the whole over a background are all plain linear blends.
    """

    def __init__(self, pixels: Float) -> None:
        self.pixels = pixels
        self._unit = min(pixels.shape[:2]) / 2

    def grid(self) -> tuple[Float, Float]:
        """The coordinates of every pixel, as a row of x and a column of y."""
        rows, columns = self.pixels.shape[:2]
        y, x = ((np.arange(side, dtype=np.float32) + 0.5 - side / 2) / self._unit for side in (rows, columns))
        return x[None, :], y[:, None]

    def fill(
        self, outline: Float, paint: Float, *, soft: float = HARD, opacity: float = 1.0, within: Float | None = None
    ) -> None:
        """Paint a shape in one colour, or with a picture as large as the canvas; `within` clips it to another shape."""
        sigma = soft * self._unit
        window = self._window(outline, sigma)
        cover = self._cover(outline, sigma, window)
        if within is not None:
            cover *= self._cover(within, HARD * self._unit, window)
        cover *= np.float32(opacity)
        target = self.pixels[window]
        solid = paint[window] if paint.ndim > 1 else paint
        target[..., :3] += cover[..., None] * (solid - target[..., :3])
        target[..., 3] += cover * (1 - target[..., 3])

    def _window(self, outline: Float, sigma: float) -> tuple[slice, slice]:
        """The part of the canvas where the shape and its soft edge lie."""
        points, margin = self._in_pixels(outline), 3 * sigma + 2
        sides = zip(points.min(axis=0) - margin, points.max(axis=0) + margin, self.pixels.shape[1::-1], strict=True)
        columns, rows = (slice(*np.clip((int(low), int(high) + 1), 0, side)) for low, high, side in sides)
        return rows, columns

    def _cover(self, outline: Float, sigma: float, window: tuple[slice, slice]) -> Float:
        rows, columns = window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        points = (self._in_pixels(outline) - (columns.start, rows.start)) * 2**SUBPIXEL_BITS
        cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        softened = cv2.GaussianBlur(mask, (0, 0), sigma) if sigma > LEAST_BLUR else mask
        return softened.astype(np.float32) / 255

    def _in_pixels(self, outline: Float) -> Float:
        rows, columns = self.pixels.shape[:2]
        return outline * self._unit + np.array((columns / 2 - 0.5, rows / 2 - 0.5), np.float32)
