"""False accepts and false rejects at rising thresholds, and the rates read off them, in exact fractions.

A pair is accepted if its score is not below the threshold. FMR, the share of non-mated pairs that are accepted, falls
as the threshold rises; FNMR, the share of mated pairs that are refused, rises. The EER is where the straight lines
between neighbouring thresholds cross: a definition where these are whole scores, an interpolation where they are the
edges of bins.
"""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Rates:
    refused: Integers
    """Mated pairs below each threshold."""
    accepted: Integers
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

    def inside(self, bin_: int, mated: Integers, non_mated: Integers) -> "Rates":
        """The same between the two edges of a bin, from the counts at its single places."""
        return Rates(
            self.refused[bin_] + _below(mated),
            self.accepted[bin_] - _below(non_mated),
            self.mated,
            self.non_mated,
        )


def rates(mated: Integers, non_mated: Integers) -> Rates:
    """At the edges of all bins of two histograms."""
    refused, passed = _below(mated), _below(non_mated)
    return Rates(refused, passed[-1] - passed, int(refused[-1]), int(passed[-1]))


def _below(counts: Integers) -> Integers:
    """How many lie below each edge: one edge more than there are places."""
    return np.concatenate([[0], counts.cumsum()])
