"""The geometry of an epoch's table: its columns fall into lanes, and each lane's rows into blocks.

columns   0 … | … | … B-1          a lane: neighbouring columns, with a stretch of the data of their own
rows    ┌─────┬───┬──────┐
        │  0  │   │      │          a block: rows of one lane, shuffled among themselves
        ├─────┤ 0 │      │
        │     ├───┤  0   │          first blocks grow from lane to lane,
        │  1  │   ├──────┤          so that no two lanes take up a new block together
        ├─────┤ 1 │      │
        │  2  ├───┤  1   │
        ├─────┼───┼──────┤
        │  3  │ 3 │  3   │          the tail's row is a block by itself in every lane
        └─────┴───┴──────┘
"""

from dataclasses import dataclass

MOST_LANES = 64


@dataclass(frozen=True)
class Lanes:
    columns: int
    """Of units: what stays together is never torn."""
    rows: int
    """Whole rows, without the tail's."""
    block_rows: int

    def __len__(self) -> int:
        return min(self.columns, MOST_LANES)

    def columns_of(self, lane: int) -> range:
        return range(lane * self.columns // len(self), (lane + 1) * self.columns // len(self))

    def block_of(self, lane: int, row: int) -> int:
        first = self._first_rows(lane)
        if row >= self.rows:
            return self.blocks(lane)
        return 0 if row < first else 1 + (row - first) // self.block_rows

    def rows_of(self, lane: int, block: int) -> range:
        """Empty behind the last block of whole rows."""
        first = self._first_rows(lane)
        start, stop = first + (block - 1) * self.block_rows, first + block * self.block_rows
        return range(max(0, min(start, self.rows)), min(stop, self.rows))

    def blocks(self, lane: int) -> int:
        return max(0, -(-(self.rows - self._first_rows(lane)) // self.block_rows)) + (self.rows > 0)

    def _first_rows(self, lane: int) -> int:
        return -(-self.block_rows * (lane + 1) // len(self))
