"""A damaged index is put together again, column by column: from what of it is whole, from the tars, and from the tree.

Rows are only accepted if their digest is the one that was sealed: then they are what they were, whoever wrote them.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from shardkit.dataset import Sample, Shard, Subject
from shardkit.errors import Damaged
from shardkit.format.index_rows import limits_of
from shardkit.format.tables import INDEX, TableFile, from_rows, readable, write_table
from shardkit.verify.columns import are_sealed
from shardkit.verify.mending import Mending
from shardkit.verify.reading import UNREADABLE

if TYPE_CHECKING:
    from shardkit.verify.sources import Sources

_UNTOLD = ("source", "original_width", "original_height")
"""What no tar tells."""


def mend_index(mending: Mending) -> None:
    shards = sorted(mending.dataset.shards, key=lambda each: (each.index, each.row_group))
    rebuilding = _Rebuilding(mending)
    for name, of_index in groupby(shards, key=lambda each: each.index):
        if name in mending.broken:
            _mend(mending, rebuilding, name, list(of_index))


def _mend(mending: Mending, rebuilding: "_Rebuilding", name: str, shards: list[Shard]) -> None:
    try:
        write_table(mending.inside, name, INDEX, [rebuilding.rows(shard) for shard in shards])
    except Damaged as error:
        mending.give_up(name, str(error))
        return
    mending.mended(name, "written again; its rows are those that were sealed.")


class _Rebuilding:
    def __init__(self, mending: Mending) -> None:
        self._mending = mending

    def rows(self, shard: Shard) -> pa.Table:
        """The rows of a shard, proven by their digest."""
        whole = self._whole_columns(shard)
        for candidate in self._candidates(shard, whole):
            if are_sealed(candidate, shard):
                return candidate
        raise Damaged(f"The rows of {shard.name} cannot be told from what is whole. {self._advice}")

    @property
    def _advice(self) -> str:
        if self._mending.source is None:
            return "Name the tree that they were packed from with --source."
        return f"Images that were packed are missing in {self._mending.source}, or have changed since."

    def _candidates(self, shard: Shard, whole: dict[str, pa.ChunkedArray]) -> Iterator[pa.Table]:
        if len(whole) == len(INDEX):
            yield pa.table(whole, INDEX)
        if shard.adopted:
            raise Damaged("Another tool made these tars. Index them anew: `shardkit index`.")
        untold = {name: whole[name] for name in _UNTOLD if name in whole}
        for samples in self._derived(shard):
            # A damaged footer can make a column of other values: so some are tried without those that tars tell.
            yield from (_combined(samples, columns) for columns in (whole, untold, {}))

    def _derived(self, shard: Shard) -> Iterator[list[Sample]]:
        from shardkit.verify.derived import samples_in  # noqa: PLC0415 - they bring the image libraries along
        from shardkit.verify.sources import guesses  # noqa: PLC0415

        mending = self._mending
        samples = samples_in(
            mending.folder / shard.name, shard, self._subjects, from_arrays=mending.manifest.is_from_arrays
        )
        stored = [replace(each, width=each.original_width, height=each.original_height) for each in samples]
        # Older versions put the stored sides of an image that EXIF turns into the index, and their digest covers those.
        for found in (samples, stored) if stored != samples else (samples,):
            yield found
            yield from guesses(found, mending.manifest)
            if mending.source is not None and not mending.manifest.is_from_arrays:
                yield self._sources.found_by_path(found)
                yield self._sources.found_by_bytes(found)

    @cached_property
    def _sources(self) -> "Sources":
        from shardkit.verify.sources import Sources  # noqa: PLC0415

        assert self._mending.source is not None, "asked only where there is a source"
        return Sources(self._mending.source, self._mending.manifest)

    @cached_property
    def _subjects(self) -> dict[tuple[str, str], Subject]:
        return {(each.split, each.subject): each for each in self._mending.dataset.subjects}

    def _whole_columns(self, shard: Shard) -> dict[str, pa.ChunkedArray]:
        """The columns whose pages still match their checksums."""
        columns: dict[str, pa.ChunkedArray] = {}
        path = self._mending.folder / shard.index
        with suppress(*UNREADABLE):
            file = TableFile(path, self._mending.folder)
            for field in INDEX:
                with suppress(*UNREADABLE), readable(path, self._mending.folder):
                    column = file.read_group(shard.row_group, pa.schema([field]), limits_of(shard))[field.name]
                    if len(column) == shard.samples:
                        columns[field.name] = column
        return columns


def _combined(samples: list[Sample], whole: dict[str, pa.ChunkedArray]) -> pa.Table:
    rows = from_rows(samples, INDEX)
    fitting = all(len(column) == len(rows) for column in whole.values())
    return pa.table({name: whole.get(name, rows[name]) for name in INDEX.names}, INDEX) if fitting else rows
