"""Chance without a generator: a draw is a number mixed from the seed, the epoch, the sample and the draw's name.

So there is no state to save or to spread, and the same sample is moved in the same way on any rank, device and
micro-batch, in a straight run and in one that was resumed in the middle of an epoch.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

_64_BITS = (1 << 64) - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FRACTION_BITS = 53


class Draw(IntEnum):
    """What is drawn for each sample. A number that was once given stays: it is part of what is mixed."""

    ANGLE = 0
    SHIFT_X = 1
    SHIFT_Y = 2
    CONTRAST = 3
    GAIN = 4
    FLIP = 5
    ERASE = 6
    ERASED_AREA = 7
    ERASED_ASPECT = 8
    ERASED_X = 9
    ERASED_Y = 10


def uniform(seed: int, epoch: int, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """In 0…1 without 1: a line for each `Draw`, a column for each sample."""
    draws = np.array(Draw, np.uint64)[:, None]
    key = np.zeros((1, 1), np.uint64)
    for part in (_word(seed), _word(epoch), numbers.astype(np.uint64)[None, :], draws):
        key = _mixed(key + part)
    return (key >> np.uint64(64 - _FRACTION_BITS)).astype(np.float64) / (1 << _FRACTION_BITS)


def key_of(*numbers: int) -> int:
    """64 bits that differ wherever one of the numbers does: what seeds a generator that is not ours."""
    key = np.zeros((1, 1), np.uint64)
    for number in numbers:
        key = _mixed(key + _word(number))
    return int(key[0, 0])


def _word(number: int) -> NDArray[np.uint64]:
    return np.array([[number & _64_BITS]], np.uint64)


def _mixed(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: every bit of the key decides over every bit of the result."""
    key = key + _GOLDEN
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))
