"""The area under the ROC curve, exactly: how probably a mated pair scores above a non-mated one, where a tie is half.

Two scores in different coarse bins are told apart by the coarse counts. Only bins that hold pairs of both kinds need
the second pass, which counts them place by place, `AT_ONCE` of them at a time: two histograms of 64 MB whatever the
scores. A network that has learnt something needs one such pass, and none can need more than four.

Wins are counted twice, so that a tie is a whole number. They may be too many for 64 bits, so what adds them up is
Python's own integer.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from trainer.verification.rates import Integers

AT_ONCE = 1 << 15
"""Bins."""
_HALF = 24


@dataclass(frozen=True)
class Inside:
    """What the second pass found."""

    wins: int
    """Of mated over non-mated pairs of the same bin, twice."""
    counts: Mapping[int, tuple[Integers, Integers]]
    """At the places of each bin that was asked for."""


def inside(asked: set[int], mixed: set[int], count: Callable[[list[int]], torch.Tensor]) -> Inside:
    """`count` is the second pass, over all ranks."""
    wins, kept = 0, dict[int, tuple[Integers, Integers]]()
    for bins, mated, non_mated in _passes(sorted(asked | mixed), count):
        wins += _wins(mated, non_mated, ties=True)
        kept |= {bin_: (mated[at].copy(), non_mated[at].copy()) for at, bin_ in enumerate(bins) if bin_ in asked}
    return Inside(wins, kept)


def mixed(mated: Integers, non_mated: Integers) -> set[int]:
    """Bins with pairs of both kinds."""
    return set(np.flatnonzero((mated > 0) & (non_mated > 0)).tolist())


def auc(mated: Integers, non_mated: Integers, within: int) -> Fraction:
    """From coarse counts, and the wins inside of bins."""
    wins = _wins(mated[None], non_mated[None], ties=False) + within
    return Fraction(wins, 2 * int(mated.sum()) * int(non_mated.sum()))


def _passes(
    bins: list[int], count: Callable[[list[int]], torch.Tensor]
) -> Iterator[tuple[list[int], Integers, Integers]]:
    for start in range(0, len(bins), AT_ONCE):
        some = bins[start : start + AT_ONCE]
        yield some, *count(some).cpu().numpy()


def _wins(mated: Integers, non_mated: Integers, *, ties: bool) -> int:
    """Twice the pairs in one row of which the mated one is further right; and those at one place, if ties count."""
    at = np.nonzero(mated)
    beaten = 2 * non_mated.cumsum(1)[at] - (1 if ties else 2) * non_mated[at]
    return _product(mated[at], beaten)


def _product(one: Integers, other: Integers) -> int:
    """The sum of products, in two halves: neither overflows below 2^38 mated and 2^48 non-mated pairs."""
    high, low = other >> _HALF, other & ((1 << _HALF) - 1)
    return (int(one @ high) << _HALF) + int(one @ low)
