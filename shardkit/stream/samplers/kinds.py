"""Which pairs of a table are mated, hard and easy: so evenly spread that every row has its share, and every rank.

Among U pairs, the g-th is one of M mated ones if gM/U and (g+1)M/U have a whole number between them; of the others, the
hard ones are found in the same way. So both a pair's kind and how many of the kind come before it are plain sums.
"""

from functools import lru_cache

import numpy as np

from shardkit.stream.permutation import Integers
from shardkit.stream.samplers.layout import Table
from shardkit.stream.samplers.roles import Supply

_EDGES = 65


class Kinds:
    def __init__(self, table: Table, supply: Supply) -> None:
        self._table, self.supply = table, supply
        self._above = lru_cache(_EDGES)(self._counted_above)

    def before(self, pairs: Integers) -> Integers:
        """How many of each kind come before each of these pairs: a line for each kind."""
        mated = pairs * self.supply.mated // sum(self.supply)
        others = pairs - mated
        hard = others * self.supply.hard // max(self.supply.hard + self.supply.easy, 1)
        return np.stack([mated, hard, others - hard])

    def of(self, pairs: Integers) -> Integers:
        kinds: Integers = np.argmax(self.before(pairs + 1) - self.before(pairs), axis=0)
        return kinds

    def ahead(self, columns: range, row: int) -> Integers:
        """Of each kind, the pairs in all rows of the columns to the left, and those in these columns above a row."""
        left, start, stop = (self._above(edge) for edge in (0, columns.start, columns.stop))
        return (start - left)[:, -1] + (stop - start)[:, row]

    def _counted_above(self, edge: int) -> Integers:
        """Of each kind, what comes before this edge of a row, added up over the rows above each."""
        edges = np.arange(self._table.rows) * self._table.columns + edge
        return np.pad(np.cumsum(self.before(edges), axis=1), ((0, 0), (1, 0)))
