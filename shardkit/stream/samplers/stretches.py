"""Units laid on a circle that starts anywhere, and each lane's own stretch of it, shuffled a block at a time.

Neighbours on the disk are read together, and stand in one lane; a row takes from all lanes, so from all over the data.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shardkit.stream.permutation import For, Integers, Key, below, perm
from shardkit.stream.samplers.layout import NOBODY, Table
from shardkit.stream.samplers.tails import tail_places

Samples = Callable[[Integers], Integers]
"""The samples of units by their place on the disk's way: one line a unit."""


@dataclass(frozen=True)
class Stretches:
    table: Table
    samples: Samples
    rotation: int
    tail_is: str

    @staticmethod
    def rotated(table: Table, samples: Samples, key: Key, tail: str) -> "Stretches":
        return Stretches(table, samples, below(table.units, *key, For.ROTATION), tail)

    def block(self, columns: range, rows: range, key: Key) -> Integers:
        start = self.table.rows * columns.start + len(columns) * rows.start
        places = start + perm(len(rows) * len(columns), *key)
        return self._at(places).reshape(len(rows), -1)

    def tail(self) -> Integers:
        places = tail_places(self.table, self.tail_is)
        samples = self._at(np.maximum(places, 0))
        samples[places == NOBODY] = NOBODY
        return samples.reshape(-1)

    def _at(self, places: Integers) -> Integers:
        return self.samples((places + self.rotation) % self.table.units).reshape(len(places), -1)


class InOrder(Stretches):
    """Rows as the samples lie: row t holds the places tB … of the index."""

    def block(self, columns: range, rows: range, key: Key) -> Integers:  # noqa: ARG002 - nothing is drawn
        places = np.array(rows)[:, None] * self.table.columns + np.array(columns)
        return self._at(places.reshape(-1)).reshape(len(rows), -1)
