"""The coarse traits of a face, and how they are spread over people.

Lengths are in halves of the picture's shorter side, slants in radians, and a tone is a place on a palette from 0 to 1.
"""

from typing import Annotated, NamedTuple, get_type_hints

import numpy as np

from synthetic.fields import Float

WIDEST = 2.2  # standard deviations: nobody is a monster


class Traits(NamedTuple):
    """Each with its average and its standard deviation."""

    head_width: Annotated[float, 0.47, 0.030]
    head_height: Annotated[float, 0.63, 0.030]
    jaw: Annotated[float, 0.20, 0.07]
    eye_level: Annotated[float, -0.06, 0.028]
    eye_gap: Annotated[float, 0.20, 0.016]
    eye_width: Annotated[float, 0.092, 0.008]
    eye_height: Annotated[float, 0.040, 0.006]
    eye_slant: Annotated[float, -0.04, 0.07]
    brow_lift: Annotated[float, 0.115, 0.014]
    brow_weight: Annotated[float, 0.021, 0.006]
    brow_arch: Annotated[float, 0.030, 0.014]
    nose_length: Annotated[float, 0.26, 0.030]
    nose_width: Annotated[float, 0.080, 0.012]
    mouth_drop: Annotated[float, 0.145, 0.018]
    mouth_width: Annotated[float, 0.150, 0.020]
    upper_lip: Annotated[float, 0.026, 0.007]
    lower_lip: Annotated[float, 0.036, 0.008]
    smile: Annotated[float, 0.012, 0.016]
    hair_volume: Annotated[float, 0.10, 0.028]
    hair_length: Annotated[float, 0.10, 0.30]
    hairline: Annotated[float, 0.20, 0.06]
    parting: Annotated[float, 0.0, 0.16]
    skin_tone: Annotated[float, 0.45, 0.24]
    hair_tone: Annotated[float, 0.5, 0.24]
    iris_tone: Annotated[float, 0.5, 0.24]
    lip_tone: Annotated[float, 0.5, 0.24]


_SPREAD = [hint.__metadata__ for hint in get_type_hints(Traits, include_extras=True).values()]


def traits(deviations: Float) -> Traits:
    """The traits of somebody who is so many standard deviations from the average."""
    average, deviation = np.array(_SPREAD).T
    return Traits(*(average + deviation * np.clip(deviations, -WIDEST, WIDEST)).tolist())
