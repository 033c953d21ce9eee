"""Who a subject is: a coarse appearance that is partly the twin's too, and fine marks that are the subject's own.

Whatever is coarse is drawn as √share · pair + √(1 - share) · own. So over all subjects it is spread alike whatever the
share, and strangers stay as different as they are, while twins come closer the larger their share is.
"""

from dataclasses import dataclass

import numpy as np

from synthetic.draws import Stream, generator
from synthetic.fields import Float
from synthetic.twins.traits import Traits, traits

LEAST_SHARE, MORE_SHARE = 0.65, 0.33  # of siblings, and what is added for the most difficult twins
LEAST_CONTRAST, MORE_CONTRAST = 0.3, 0.7  # of the most difficult twins' marks, and what is added for siblings

FIELD_KNOTS = (7, 7, 3)  # of the skin's colour: rows, columns, colours

MOLES, FRECKLES = (5, 14), (0, 90)
LINES = 9
SIDED = 4  # features that come in a left and a right: eye, brow, nostril, corner of the mouth


@dataclass(frozen=True)
class Marks:
    """What tells twins apart. `contrast` says how much of it can be seen."""

    contrast: float
    moles: Float  # rows of four: a place in the unit disc, then size and darkness, from 0 to 1
    freckles: Float  # the same
    lines: Float  # rows of four: place (two), bend and depth, from 0 to 1
    sides: Float  # by side, feature and direction: how far each is out of place, in standard deviations
    grain: int  # the seed of the skin's texture


@dataclass(frozen=True)
class Identity:
    traits: Traits
    field: Float
    marks: Marks


def identity(seed: int, subject: int, difficulty: float) -> Identity:
    pair, own = generator(seed, Stream.PAIR, subject // 2), generator(seed, Stream.IDENTITY, subject)
    share = LEAST_SHARE + MORE_SHARE * difficulty
    deviations = _blend(pair, own, (len(Traits._fields),), share)
    field = _blend(pair, own, FIELD_KNOTS, share)
    return Identity(traits(deviations), field, _marks(own, LEAST_CONTRAST + MORE_CONTRAST * (1 - difficulty)))


def _blend(pair: np.random.Generator, own: np.random.Generator, shape: tuple[int, ...], share: float) -> Float:
    common, personal = (draw.standard_normal(shape, dtype=np.float32) for draw in (pair, own))
    return np.float32(share**0.5) * common + np.float32((1 - share) ** 0.5) * personal


def _marks(own: np.random.Generator, contrast: float) -> Marks:
    return Marks(
        contrast=contrast,
        moles=_spots(own, *MOLES),
        freckles=_spots(own, *FRECKLES),
        lines=own.random((LINES, 4), dtype=np.float32),
        sides=own.standard_normal((2, SIDED, 2), dtype=np.float32),
        grain=int(own.integers(2**32)),
    )


def _spots(own: np.random.Generator, fewest: int, most: int) -> Float:
    angle, radius, size, darkness = own.random((4, own.integers(fewest, most)), dtype=np.float32)
    angle, radius = 2 * np.pi * angle, np.sqrt(radius)
    return np.stack((radius * np.cos(angle), radius * np.sin(angle), size, darkness), axis=1).astype(np.float32)
