"""Decoded batches that stay in memory: for validation, which goes through the same rows again and again.

Rows that are shuffled are others in each epoch, and images that are worked on by chance are too: neither is kept. If
there is no room for all rows, none is kept, and the stream reads as ever.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from shardkit.errors import UsageError
from shardkit.stream.batch import Batch
from shardkit.stream.memory import memory_share
from shardkit.stream.ordering import Ordering
from shardkit.stream.saving import StateAt
from shardkit.stream.settings import Pixels

_log = logging.getLogger("shardkit.stream")


class Kept:
    """The batches of one process, by row."""

    def __init__(self) -> None:
        self._batches: dict[int, Batch] = {}

    def holds(self, rows: Sequence[int]) -> bool:
        return bool(self._batches) and all(row in self._batches for row in rows)

    def keep(self, row: int, batch: Batch) -> None:
        """Keep a copy: what is done to the batch itself reaches no later one."""
        self._batches[row] = batch.copy()

    def batches(self, rows: Sequence[int], state: Callable[[int], StateAt]) -> Iterator[Batch]:
        """Copies of the batches of these rows, each with its state in the present epoch."""
        for row in rows:
            yield self._batches[row].at(state(row))


def has_room(size: int, holders: int) -> bool:
    """Whether each of `holders` processes of this machine may keep so many bytes of batches; told if not."""
    share = memory_share(holders)
    if size > share:
        _log.warning(
            "cache=True keeps nothing: %s bytes are too many for the share of this process, %s bytes.",
            f"{size:,}",
            f"{share:,}",
        )
    return size <= share


def refuse_to_keep(ordering: Ordering, pixels: Pixels) -> None:
    if ordering.shuffle:
        raise UsageError(
            "cache=True keeps decoded rows, and shuffled rows are others in each epoch. Say shuffle=False with it, as "
            "validation does."
        )
    if pixels.transform is not None:
        raise UsageError("cache=True would keep what transform= drew once, and serve it for ever. Give one of both.")
