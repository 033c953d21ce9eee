"""The colours of a face, each a place from 0 to 1 on a short palette."""

from typing import NamedTuple

import numpy as np

from synthetic.fields import Float
from synthetic.twins.traits import Traits

SKIN = ((0.97, 0.84, 0.76), (0.90, 0.70, 0.57), (0.72, 0.49, 0.36), (0.40, 0.25, 0.18))
HAIR = ((0.84, 0.68, 0.42), (0.55, 0.31, 0.16), (0.26, 0.16, 0.11), (0.08, 0.07, 0.07))
IRIS = ((0.45, 0.58, 0.70), (0.42, 0.50, 0.36), (0.42, 0.27, 0.13), (0.16, 0.10, 0.07))
LIPS = ((0.80, 0.50, 0.46), (0.72, 0.32, 0.32))

WHITE = np.array((0.95, 0.94, 0.93), np.float32)
BLACK = np.array((0.05, 0.04, 0.04), np.float32)

LIPS_OF_SKIN = 0.45


class Colours(NamedTuple):
    skin: Float
    shade: Float
    hair: Float
    iris: Float
    lips: Float


def colours(traits: Traits) -> Colours:
    skin, red = _tone(SKIN, traits.skin_tone), _tone(LIPS, traits.lip_tone)
    return Colours(
        skin=skin,
        shade=skin * np.array((0.62, 0.50, 0.46), np.float32),
        hair=_tone(HAIR, traits.hair_tone),
        iris=_tone(IRIS, traits.iris_tone),
        lips=red * (1 - LIPS_OF_SKIN) + skin * np.array((0.95, 0.75, 0.75), np.float32) * LIPS_OF_SKIN,
    )


def _tone(palette: tuple[tuple[float, float, float], ...], place: float) -> Float:
    stops = np.linspace(0, 1, len(palette))
    return np.array([np.interp(place, stops, channel) for channel in zip(*palette, strict=True)], np.float32)
