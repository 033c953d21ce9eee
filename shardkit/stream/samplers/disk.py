"""The way through the shards: all of them after one another, in another order in each epoch."""

import numpy as np

from shardkit.stream.permutation import For, Integers, perm


class Disk:
    """Places 0 … N-1 in the order in which an epoch comes by the samples."""

    def __init__(self, shards: Integers, order: Integers) -> None:
        lies = _starts(shards)
        self._starts = _starts(shards[order])
        self._shift = lies[order] - self._starts
        self._lies, self._turn = lies, np.argsort(order)

    @staticmethod
    def shuffled(shards: Integers, seed: int, epoch: int) -> "Disk":
        return Disk(shards, perm(len(shards), seed, epoch, For.SHARDS))

    @staticmethod
    def as_it_lies(shards: Integers) -> "Disk":
        return Disk(shards, np.arange(len(shards)))

    def samples(self, places: Integers) -> Integers:
        return places + self._shift[np.searchsorted(self._starts, places, side="right") - 1]

    def places(self, samples: Integers) -> Integers:
        """Where the way comes by these samples."""
        shards = np.searchsorted(self._lies, samples, side="right") - 1
        return samples - self._shift[self._turn[shards]]


def _starts(sizes: Integers) -> Integers:
    return np.cumsum(sizes) - sizes
