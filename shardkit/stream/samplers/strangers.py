"""Pairs of samples that must not be of one kin, made of neighbours: two subjects of a group, or two groups.

Samples are laid kin by kin. A window of them is cut into two halves, and each sample of the front is given one of the
back, by chance. Only the kin that lies across the middle could meet itself: in front it chooses first, in the back it
is chosen last, and as no half is shorter than a kin, it never does.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shardkit.stream.permutation import Integers, Key, Words, drawn, keyed

_PAIRS = 128
"""In a window, where no kin needs a larger one: they lie near each other, and are not always the same."""
_LAST = np.uint64((1 << 64) - 1)


@dataclass(frozen=True)
class Strangers:
    """Samples laid after one another: within each segment two a pair, kin by kin, none of more samples than pairs."""

    pairs: Integers
    """In each segment."""
    kin: Integers
    """Samples in each kin."""
    segment: Integers
    """Of each kin, ascending."""
    key: Key

    def at(self, places: Integers) -> Integers:
        """Where the two samples of each of these pairs lie."""
        opens, closes = self._windows(places)
        window = np.repeat(np.arange(len(opens)), closes - opens)
        before = np.cumsum(closes - opens) - (closes - opens)
        pairs = opens[window] + np.arange(len(window)) - before[window]
        middle = opens + closes
        cut = np.where(self._kin(middle - 1) == self._kin(middle), self._kin(middle), -1)[window]
        front, back = opens[window] + pairs, closes[window] + pairs
        first = np.where(self._kin(front) == cut, np.uint64(0), self._words(front))
        last = np.where(self._kin(back) == cut, _LAST, self._words(back))
        met = np.stack([front[np.lexsort((first, window))], back[np.lexsort((last, window))]], axis=1)
        found: Integers = met[np.searchsorted(pairs, places)]
        return found

    def _windows(self, places: Integers) -> tuple[Integers, Integers]:
        """The pairs with which the windows of these pairs open and close, each window once."""
        segment = np.searchsorted(self._ends, places, side="right")
        count, windows = self.pairs[segment], self._count[segment]
        start = self._ends[segment] - count
        window = ((places - start + 1) * windows - 1) // count
        opens, index = np.unique(start + window * count // windows, return_index=True)
        return opens, (start + (window + 1) * count // windows)[index]

    @cached_property
    def _ends(self) -> Integers:
        return np.cumsum(self.pairs)

    @cached_property
    def _kin_ends(self) -> Integers:
        return np.cumsum(self.kin)

    @cached_property
    def _count(self) -> Integers:
        """Windows in each segment."""
        largest = np.zeros(len(self.pairs), np.int64)
        np.maximum.at(largest, self.segment, self.kin)
        return np.maximum(self.pairs // np.maximum(largest, _PAIRS), 1)

    def _kin(self, samples: Integers) -> Integers:
        return np.searchsorted(self._kin_ends, samples, side="right")

    def _words(self, samples: Integers) -> Words:
        return drawn(keyed(*self.key), samples)
