"""How sure a difference of equal error rates is: subjects are drawn anew, the same ones for all embeddings.

Pairs share samples and samples share subjects, so subjects are what is drawn, with replacement, or whole pairs of
twins; one that is drawn twice counts twice, and its pairs with itself as mated pairs alone. Two recipes are judged on
the same draw, so what is hard about it is hard for both, and their difference is far surer than either rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 8192
"""Of the cosines from -1 to 1: a bin holds few of the mated pairs, and rates are straight lines between bins."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Vectors = NDArray[np.floating]


@dataclass(frozen=True)
class Pairs:
    """Pairs that are judged: the bin of each one's cosine, whether it is mated, and the two units that are drawn."""

    bins: Integers
    mated: NDArray[np.bool_]
    one: Integers
    other: Integers

    @property
    def units(self) -> int:
        return int(max(self.one.max(), self.other.max())) + 1

    def equal_error(self, weights: Floats | None = None) -> float:
        """With a weight for each unit."""
        weights = np.ones(self.units) if weights is None else weights
        weight = np.where(self.one == self.other, weights[self.one], weights[self.one] * weights[self.other])
        mated, others = (np.bincount(self.bins[kind], weight[kind], BINS) for kind in (self.mated, ~self.mated))
        return _crossing(mated.astype(np.float64), others.astype(np.float64))


def pairs_of(embeddings: Vectors, labels: Integers) -> Pairs:
    """All pairs; subjects are drawn."""
    _, subjects = np.unique(labels, return_inverse=True)
    one, other = np.triu_indices(len(labels), 1)
    return Pairs(_bins(embeddings, one, other), labels[one] == labels[other], subjects[one], subjects[other])


def twins_of(embeddings: Vectors, labels: Integers, groups: Integers) -> Pairs:
    """Mated pairs, and those of two twins; pairs of twins are drawn."""
    _, groups = np.unique(groups, return_inverse=True)
    one, other = np.nonzero(np.triu(groups[:, None] == groups[None, :], 1))
    return Pairs(_bins(embeddings, one, other), labels[one] == labels[other], groups[one], groups[other])


def _bins(embeddings: Vectors, one: Integers, other: Integers) -> Integers:
    unit = embeddings.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[one, other]
    return ((cosines + 1) / 2 * (BINS - 1)).round().astype(np.int64)


@dataclass(frozen=True)
class Difference:
    """Of two recipes' mean rates over their seeds: as it is, and where 95 of 100 draws lie."""

    rates: tuple[float, float]
    low: float
    high: float

    @property
    def sure(self) -> bool:
        return self.low > 0 or self.high < 0


def difference(ours: Sequence[Pairs], theirs: Sequence[Pairs], draws: int = 500, seed: int = 0) -> Difference:
    """Theirs minus ours, so that what is above 0 speaks for ours. All are of the same samples in the same order."""
    units, rng = ours[0].units, np.random.default_rng(seed)
    rates = [_mean(each, np.ones(units)) for each in (ours, theirs)]
    drawn = [rng.multinomial(units, np.full(units, 1 / units)).astype(np.float64) for _ in range(draws)]
    apart = [_mean(theirs, each) - _mean(ours, each) for each in drawn]
    low, high = np.quantile(apart, [0.025, 0.975])
    return Difference((rates[0], rates[1]), float(low), float(high))


def _mean(recipe: Sequence[Pairs], weights: Floats) -> float:
    return float(np.mean([pairs.equal_error(weights) for pairs in recipe]))


def _crossing(mated: Floats, non_mated: Floats) -> float:
    """Where the share of mated pairs below a threshold is that of others at or above it."""
    refused = np.concatenate([[0.0], mated.cumsum()]) / mated.sum()
    accepted = 1 - np.concatenate([[0.0], non_mated.cumsum()]) / non_mated.sum()
    at = int(np.argmax(refused >= accepted))
    before, behind = (float(accepted[each] - refused[each]) for each in (at - 1, at))
    return float(refused[at - 1] + before / (before - behind) * (refused[at] - refused[at - 1]))
