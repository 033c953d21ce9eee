"""Which split a sample of arrays belongs to: decided by its number alone, since each class has samples in every split.

A number has a place on the circle of `split`, and the thresholds on it are fitted exactly, in the memory of a chunk
however many samples there are.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.pack.split import Thresholds

Numbers = NDArray[np.int64]
Places = NDArray[np.uint64]

_KEY = 0x5348_4152_444B_4954
"""Any constant would do, but another one would move every sample."""
_CHUNK = 1 << 20
_BINS = 1 << 16
_BIN_OF = np.uint64(48)


def places(numbers: Numbers) -> Places:
    """The finaliser of SplitMix64 after a key: a permutation, so no two samples share a place."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) + np.uint64(_KEY)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return mixed ^ (mixed >> np.uint64(31))


def splits_of(thresholds: Thresholds, numbers: Numbers) -> NDArray[np.int64]:
    """For each sample the number of its split."""
    if not thresholds.below:
        return np.zeros(len(numbers), np.int64)
    return np.searchsorted(np.array(thresholds.below, np.uint64), places(numbers), side="right")


def fitted(ratios: Mapping[str, float], samples: int) -> Thresholds:
    """Thresholds that give each split its share of so many samples, to the nearest sample, and one at least."""
    if samples < len(ratios):
        raise UsageError(f"{samples} samples cannot fill {len(ratios)} splits ({', '.join(ratios)}). Ask for fewer.")
    cuts: list[int] = []
    for number, share in enumerate(list(accumulate(ratios.values()))[:-1], 1):
        least = cuts[-1] + 1 if cuts else 1
        cuts.append(min(max(round(share * samples), least), samples - (len(ratios) - number)))
    return Thresholds(tuple(ratios), tuple(_places_at(cuts, samples)))


def record(thresholds: Thresholds) -> dict[str, Any]:
    return {"by": "sample", "thresholds": thresholds.record()}


def _places_at(ranks: list[int], samples: int) -> Iterator[int]:
    """The places that stand at these ranks among all: counted by bins first, and then only those bins are sorted."""
    if not ranks:
        return
    held = np.zeros(_BINS, np.int64)
    for chunk in _chunks(samples):
        held += np.bincount((chunk >> _BIN_OF).astype(np.int64), minlength=_BINS)
    upto = np.cumsum(held)
    bins = np.searchsorted(upto, ranks, side="right")
    found = np.concatenate([chunk[np.isin(chunk >> _BIN_OF, bins.astype(np.uint64))] for chunk in _chunks(samples)])
    for rank, number in zip(ranks, bins.tolist(), strict=True):
        inside = np.sort(found[found >> _BIN_OF == number])
        yield int(inside[rank - (upto[number] - held[number])])


def _chunks(samples: int) -> Iterator[Places]:
    for start in range(0, samples, _CHUNK):
        yield places(np.arange(start, min(start + _CHUNK, samples)))
