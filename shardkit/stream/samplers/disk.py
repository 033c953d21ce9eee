"""The way through the shards: all of them after one another, in another order in each epoch."""

import numpy as np

from shardkit.stream.permutation import For, Integers, perm


class Disk:
    """Places 0 … N-1 in the order in which an epoch comes by the samples."""

    def __init__(self, shards: Integers, order: Integers) -> None:
        self._starts = _starts(shards[order])
        self._shift = _starts(shards)[order] - self._starts

    @staticmethod
    def shuffled(shards: Integers, seed: int, epoch: int) -> "Disk":
        return Disk(shards, perm(len(shards), seed, epoch, For.SHARDS))

    @staticmethod
    def as_it_lies(shards: Integers) -> "Disk":
        return Disk(shards, np.arange(len(shards)))

    def samples(self, places: Integers) -> Integers:
        return places + self._shift[np.searchsorted(self._starts, places, side="right") - 1]


def _starts(sizes: Integers) -> Integers:
    return np.cumsum(sizes) - sizes
