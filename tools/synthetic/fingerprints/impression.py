"""One image of a finger: the master through a pose, seen by the sensor. Minutiae go through the same pose."""

from dataclasses import dataclass

from synthetic.draws import Stream, generator
from synthetic.fields import Image
from synthetic.fingerprints.ink import Touch, contact, draw_touch, print_of
from synthetic.fingerprints.master import Master
from synthetic.fingerprints.minutiae import Minutiae, sample
from synthetic.fingerprints.pose import PIXEL_MIDDLE, Placement, draw_placement, pose

# A minutia counts as seen where the finger touches at least this firmly.
TOUCHED = 0.5


@dataclass(frozen=True)
class Impression:
    image: Image
    minutiae: Minutiae
    placement: Placement
    touch: Touch


def make_impression(master: Master, seed: int, subject: int, impression: int, shape: tuple[int, int]) -> Impression:
    """Take an impression; it depends on its numbers alone, whatever was taken before."""
    rng = generator(seed, Stream.IMPRESSION, subject, impression)
    placement = draw_placement(rng, shape)
    touch = draw_touch(rng, shape, placement.shift)
    way = pose(placement, shape, master.ridges.shape, rng)
    firmness = contact(touch, shape, rng)
    image = print_of(way.ridges(master.ridges), firmness, touch, rng)
    minutiae = way.minutiae(master.minutiae)
    touched = sample(firmness, minutiae.x - PIXEL_MIDDLE, minutiae.y - PIXEL_MIDDLE) > TOUCHED
    return Impression(image, minutiae.where(touched), placement, touch)
