"""A user's own work on each image, on the threads that decode, with chance that is the same whenever it is repeated."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

SampleTransform = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes an image as it lies in memory (H x W, or H x W x C), and chance of its own; gives an array of any shape."""


def chance(seed: int, epoch: int, number: int) -> np.random.Generator:
    """Of one sample in one epoch, whatever the rank, the batch or the thread."""
    return np.random.default_rng((seed, epoch, number))
