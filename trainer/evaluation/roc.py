"""Error rates from counts of scores: FMR, FNMR, EER, exact thresholds, AUC and DET curve, in exact fractions.

A pair is accepted if its score is not below the threshold. The EER is where the lines between neighboring thresholds
cross: exact at single scores, interpolated at edges of bins. A threshold is found in the bin that the coarse counts
name. AUC is the probability that a mated pair scores above a non-mated one, ties as half. Only bins with both kinds of
pairs need a second pass: one for a trained network, four at most, each 64 MB twice. Wins are counted double so that
ties are integers, as Python's own since 64 bits may not do. DET points are evenly spaced on logarithmic axes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.evaluation.pair_scores import LIMIT, WIDTH

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Rates:
    refused: IntArray
    """Mated pairs below each threshold."""
    accepted: IntArray
    """Non-mated pairs at or above each threshold."""
    mated: int
    non_mated: int

    def fmr(self, at: int) -> Fraction:
        return Fraction(int(self.accepted[at]), self.non_mated)

    def fnmr(self, at: int) -> Fraction:
        return Fraction(int(self.refused[at]), self.mated)

    def crossing(self) -> int:
        """The first threshold at which FMR is not above FNMR."""
        return bisect_left(range(len(self.refused)), True, key=lambda at: self.fmr(at) <= self.fnmr(at))  # noqa: FBT003

    def within(self, far: Fraction) -> int:
        """The first threshold at which FMR is not above `far`."""
        return bisect_left(range(len(self.refused)), True, key=lambda at: self.fmr(at) <= far)  # noqa: FBT003

    def eer(self) -> Fraction:
        at = self.crossing()
        before, behind = (self.fmr(each) - self.fnmr(each) for each in (at - 1, at))
        return self.fmr(at - 1) + before / (before - behind) * (self.fmr(at) - self.fmr(at - 1))

    def inside(self, bin_: int, mated: IntArray, non_mated: IntArray) -> "Rates":
        """The same between the two edges of a bin, from the counts at its single places."""
        return Rates(
            self.refused[bin_] + _counts_below(mated),
            self.accepted[bin_] - _counts_below(non_mated),
            self.mated,
            self.non_mated,
        )


def compute_rates(mated: IntArray, non_mated: IntArray) -> Rates:
    """At the edges of all bins of two histograms."""
    refused, passed = _counts_below(mated), _counts_below(non_mated)
    return Rates(refused, passed[-1] - passed, int(refused[-1]), int(passed[-1]))


def _counts_below(counts: IntArray) -> IntArray:
    """How many lie below each edge: one edge more than there are places."""
    return np.concatenate([[0], counts.cumsum()])


BINS_PER_PASS = 1 << 15
"""Bins."""

_HALF = 24


@dataclass(frozen=True)
class BinCounts:
    """What the second pass found."""

    wins: int
    """Of mated over non-mated pairs of the same bin, twice."""
    counts: Mapping[int, tuple[IntArray, IntArray]]
    """At the places of each bin that was asked for."""


def count_inside(asked: set[int], mixed: set[int], count: Callable[[list[int]], torch.Tensor]) -> BinCounts:
    """`count` is the second pass, over all ranks."""
    wins, kept = 0, dict[int, tuple[IntArray, IntArray]]()
    for bins, mated, non_mated in _passes(sorted(asked | mixed), count):
        wins += _wins(mated, non_mated, ties=True)
        kept |= {bin_: (mated[at].copy(), non_mated[at].copy()) for at, bin_ in enumerate(bins) if bin_ in asked}
    return BinCounts(wins, kept)


def mixed_bins(mated: IntArray, non_mated: IntArray) -> set[int]:
    """Bins with pairs of both kinds."""
    return set(np.flatnonzero((mated > 0) & (non_mated > 0)).tolist())


def compute_auc(mated: IntArray, non_mated: IntArray, within: int) -> Fraction:
    """From coarse counts, and the wins inside of bins."""
    wins = _wins(mated[None], non_mated[None], ties=False) + within
    return Fraction(wins, 2 * int(mated.sum()) * int(non_mated.sum()))


def _passes(
    bins: list[int], count: Callable[[list[int]], torch.Tensor]
) -> Iterator[tuple[list[int], IntArray, IntArray]]:
    for start in range(0, len(bins), BINS_PER_PASS):
        some = bins[start : start + BINS_PER_PASS]
        yield some, *count(some).cpu().numpy()


def _wins(mated: IntArray, non_mated: IntArray, *, ties: bool) -> int:
    """Twice the pairs in one row of which the mated one is further right; and those at one place, if ties count."""
    at = np.nonzero(mated)
    beaten = 2 * non_mated.cumsum(1)[at] - (1 if ties else 2) * non_mated[at]
    return _product(mated[at], beaten)


def _product(one: IntArray, other: IntArray) -> int:
    """The sum of products, in two halves: neither overflows below 2^38 mated and 2^48 non-mated pairs."""
    high, low = other >> _HALF, other & ((1 << _HALF) - 1)
    return (int(one @ high) << _HALF) + int(one @ low)


DET_POINTS = 200


def det_curve(curve: Rates) -> tuple[tuple[float, float], ...]:
    """(FMR, FNMR) from a threshold below all scores to one above them: FMR falls and FNMR rises."""
    fmr, fnmr = curve.accepted / curve.non_mated, curve.refused / curve.mated
    # A logarithm has no zero: half a pair stands for none.
    across = np.log(np.maximum(curve.accepted, 0.5) / curve.non_mated)
    upwards = np.log(np.maximum(curve.refused, 0.5) / curve.mated)
    way = np.concatenate([[0.0], (np.abs(np.diff(across)) + np.abs(np.diff(upwards))).cumsum()])
    kept = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], DET_POINTS)))
    return tuple((float(fmr[at]), float(fnmr[at])) for at in kept)


ThresholdTarget = Callable[[Rates], int]
"""Says which is the first threshold that will do."""


@dataclass(frozen=True)
class Threshold:
    score: int
    rates: Rates
    """At every score of the bin that it lies in."""
    at: int
    """Where it stands there."""


def threshold_bins(edges: Rates, asked: Sequence[ThresholdTarget]) -> list[int]:
    """In which bin each of them lies: the edge before is too low; below the first edge there is nothing."""
    return [max(each(edges) - 1, 0) for each in asked]


def exact_thresholds(
    edges: Rates, asked: Sequence[ThresholdTarget], counts: Mapping[int, tuple[IntArray, IntArray]]
) -> list[Threshold]:
    """One for each that is asked, from the counts at all places of its bin."""
    return [
        _threshold(bin_, edges.inside(bin_, *counts[bin_]), each)
        for bin_, each in zip(threshold_bins(edges, asked), asked, strict=True)
    ]


def _threshold(bin_: int, inside: Rates, asked: ThresholdTarget) -> Threshold:
    at = asked(inside)
    return Threshold(bin_ * WIDTH + at - LIMIT, inside, at)
