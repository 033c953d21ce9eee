"""What reaches the network: how large a picture, and ridges how far apart."""

from trainer.augment.ridges import LEAST_PERIOD
from trainer.config.sections import Augment
from trainer.errors import UsageError
from trainer.geometry.maps import Size

LEAST_RIDGE_PERIOD = 4.0
"""Pixels at the network's input. Below, ridges and valleys are hardly more than a pixel each: a run should warn."""


def ridge_period_at_input(section: Augment) -> float:
    return section.ridge_period / section.shrink


def shrunk_size(section: Augment, stored: Size) -> Size:
    """Pixels that do not fill a square of shrink x shrink, on the right and below, are left out."""
    return stored[0] // section.shrink, stored[1] // section.shrink


def input_size(section: Augment, stored: Size) -> Size:
    """Of the network's input, for images of this stored size; a UsageError where they are too small."""
    whole = shrunk_size(section, stored)
    height, width = (part or side for part, side in zip(section.crop, whole, strict=True))
    if not (0 < height <= whole[0] and 0 < width <= whole[1]):
        raise UsageError(
            f"augment.crop asks for {_named(section.crop)} pixels (height x width), and the images have "
            f"{_named(whole)}: stored {_named(stored)}, divided by augment.shrink = {section.shrink}. "
            f"Ask for a crop of {_named(whole)} at most, or shrink less."
        )
    return height, width


def check(section: Augment) -> None:
    """What no image can mend."""
    if section.shrink < 1:
        raise UsageError(f"augment.shrink is {section.shrink}. It is a whole number from 1 on: pixels averaged to one.")
    if section.std <= 0:
        raise UsageError(f"augment.std is {section.std}. Images are divided by it: set it above 0.")
    if section.enhance != "none" and ridge_period_at_input(section) <= LEAST_PERIOD:
        raise UsageError(
            f"augment.enhance is {section.enhance}, and ridges are {ridge_period_at_input(section):.3g} pixels apart "
            f"once images are shrunk. It needs more than {LEAST_PERIOD}: shrink less, or correct augment.ridge_period."
        )


def _named(size: Size) -> str:
    return f"{size[0]} x {size[1]}"
