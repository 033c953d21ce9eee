"""A damaged index is put together again, column by column: from what of it is whole, from the tars, and from the tree.

Rows are only accepted if their digest is the one that was sealed: then they are what they were, whoever wrote them.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import pyarrow as pa

from shardkit.dataset import Sample, Shard
from shardkit.errors import Damaged
from shardkit.format.folder import DatasetFolder
from shardkit.format.tables import INDEX, from_rows, parquet_file, write_table
from shardkit.verify.columns import are_sealed
from shardkit.verify.mending import Mending
from shardkit.verify.reading import UNREADABLE

_UNTOLD = ("source", "original_width", "original_height")
"""What no tar tells."""


def mend_index(mending: Mending) -> None:
    names = dict.fromkeys(shard.index for shard in mending.dataset.shards)
    rebuilding = _Rebuilding(mending)
    for name in names:
        if name in mending.broken:
            _mend(mending, rebuilding, name)


def _mend(mending: Mending, rebuilding: "_Rebuilding", name: str) -> None:
    shards = sorted((each for each in mending.dataset.shards if each.index == name), key=lambda each: each.row_group)
    try:
        groups = [rebuilding.rows(shard) for shard in shards]
    except Damaged as error:
        mending.give_up(name, str(error))
        return
    try:
        write_table(DatasetFolder(mending.folder), name, INDEX, groups)
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
        return f"{self._mending.source} does not hold what was packed."

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
        from shardkit.verify.sources import guesses, looked_up  # noqa: PLC0415

        mending = self._mending
        known = {(each.split, each.subject): each for each in mending.dataset.subjects}
        samples = samples_in(mending.folder / shard.name, shard, known)
        stored = [replace(each, width=each.original_width, height=each.original_height) for each in samples]
        # Older versions put the stored sides of an image that EXIF turns into the index, and their digest covers those.
        for found in (samples, stored) if stored != samples else (samples,):
            yield found
            yield from guesses(found, mending.manifest)
            if mending.source is not None:
                yield looked_up(found, self._sources, mending.source, mending.manifest)

    @cached_property
    def _sources(self) -> dict[str, bytes]:
        from shardkit.verify.sources import sources_in  # noqa: PLC0415

        assert self._mending.source is not None, "asked only where there is a source"
        return sources_in(self._mending.source, self._mending.manifest)

    def _whole_columns(self, shard: Shard) -> dict[str, pa.ChunkedArray]:
        """The columns whose pages still match their checksums."""
        columns: dict[str, pa.ChunkedArray] = {}
        for field in INDEX:
            try:
                with parquet_file(self._mending.folder / shard.index, self._mending.folder) as file:
                    column = file.read_row_group(shard.row_group, [field.name])[field.name].cast(field.type)
            except UNREADABLE:
                continue
            if len(column) == shard.samples:
                columns[field.name] = column
        return columns


def _combined(samples: list[Sample], whole: dict[str, pa.ChunkedArray]) -> pa.Table:
    rows = from_rows(samples, INDEX)
    fitting = all(len(column) == len(rows) for column in whole.values())
    return pa.table({name: whole.get(name, rows[name]) for name in INDEX.names}, INDEX) if fitting else rows
