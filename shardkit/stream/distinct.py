"""How many subjects a row would show if it were drawn from all samples at once: what a shuffle is measured by."""

from math import exp, lgamma

import numpy as np

from shardkit.stream.permutation import Integers


def expected_distinct(sizes: Integers, batch: int) -> float:
    """Distinct subjects among `batch` samples of a perfect permutation, by the number of samples of each subject."""
    samples = int(sizes.sum())
    found, often = np.unique(sizes, return_counts=True)
    missed = np.array([_missed(samples, size, batch) for size in found.tolist()])
    return float(((1 - missed) * often).sum())


def _missed(samples: int, size: int, batch: int) -> float:
    """The chance that none of `size` samples is among the drawn."""
    if samples - size < batch:
        return 0.0
    return exp(_ways(samples - size, batch) - _ways(samples, batch))


def _ways(things: int, drawn: int) -> float:
    """The logarithm of how many ways there are to order so many things of these."""
    return lgamma(things + 1) - lgamma(things - drawn + 1)
