"""Preparation of pixels, done once when they are packed so that no epoch repeats it.

    stored → color → ridges → upright → size

Ridges come before the size, because their width is known in the pixels of the sensor, and they are drawn in gray: with
`enhance`, `keep` means gray. Without it, `keep` retains 16 bits and transparency; all else gives 8 bits, opaque. A PNG
without preparation can be stored byte for byte, with its EXIF orientation. Pixels are turned upright whenever they are
decoded, for another codec or for a batch: so both give the same pixels.
"""

from dataclasses import dataclass
from typing import Literal

from shardkit.image.arrays import Pixels
from shardkit.image.color import COLOR_VERSION, Color, convert
from shardkit.image.enhance import ENHANCE_VERSION, RIDGE_WIDTH, enhance_ridges
from shardkit.image.geometry import GEOMETRY_VERSION, Fit, Geometry
from shardkit.image.png.structure import PngInfo


@dataclass(frozen=True)
class Preparation:
    color: Color = "keep"
    size: int | None = None
    fit: Fit = "pad"
    enhance: Literal["gabor"] | None = None

    @property
    def identity(self) -> bool:
        """Whether nothing is asked for, so that a PNG may stay as it is."""
        return self.color == "keep" and self.size is None and self.enhance is None

    def geometry(self, info: PngInfo) -> Geometry:
        return Geometry(info.width, info.height, info.orientation, self.size, self.fit)

    def record(self) -> dict[str, object]:
        """What the manifest keeps: what was asked, and the version of everything that decides the pixels."""
        return {
            "color": self.color,
            "color_version": COLOR_VERSION,
            "size": self.size,
            "fit": self.fit if self.size is not None else None,
            "geometry_version": GEOMETRY_VERSION,
            "enhance": self.enhance,
            "enhance_version": ENHANCE_VERSION if self.enhance else None,
            "ridge_width": RIDGE_WIDTH if self.enhance else None,
        }


def apply_preparation(pixels: Pixels, info: PngInfo, preparation: Preparation) -> Pixels:
    return preparation.geometry(info).apply(_fit_and_enhance(pixels, preparation))


def _fit_and_enhance(pixels: Pixels, preparation: Preparation) -> Pixels:
    if preparation.enhance is None:
        return convert(pixels, preparation.color)
    ridges = enhance_ridges(convert(pixels, "gray"))
    return convert(ridges, preparation.color)
