"""Assignment of samples to shards, and of labels to subjects.

A plan is a pure function of the scan and the options. Rows are stored in columns and sorted only when they are needed:
one and a half million of them fit into memory together with their order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.generation import shard_name
from shardkit.format.keys import key_of
from shardkit.format.table_limits import MAX_SAMPLES
from shardkit.format.tar import LARGEST_MEMBER, split_name
from shardkit.pack.source.candidates import SIDECAR_TYPE
from shardkit.pack.source.layout import suggest_layout

PLAN_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("subject", pa.string()),
        ("impression", pa.string()),
        ("group", pa.string()),
        ("label", pa.int64()),
        ("source", pa.binary()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("sidecars", pa.list_(SIDECAR_TYPE)),
    ]
)

# The longest ending that a member gets from us, and what a tar takes whatever the parts of the name are.
_LONGEST_ENDING = ".npy.zst"
_FITS = 100

IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class PriorState:
    """What an append finds: subjects keep their labels, numbering goes on."""

    labels: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    shards: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedShard:
    """A stretch of the plan's rows."""

    name: str
    split: str
    start: int
    samples: int
    bytes: int
    """Of the sources: what is packed may be smaller or larger."""


@dataclass(frozen=True)
class PlannedSubjects:
    """The subjects in the order of the plan, in columns."""

    names: pa.Array
    groups: pa.Array
    splits: list[str]
    labels: IntArray


class PackPlan(Protocol):
    """What packing asks of a plan, of a tree's or of one of arrays."""

    @property
    def shards(self) -> tuple[PlannedShard, ...]: ...
    @property
    def subjects(self) -> PlannedSubjects: ...
    def rows(self, shard: PlannedShard) -> pa.Table: ...


@dataclass(frozen=True)
class TreePlan:
    shards: tuple[PlannedShard, ...]
    subjects: PlannedSubjects
    _found: pa.Table
    _order: pa.Array
    _subject_of: IntArray
    """For every row in order, the number of its subject."""

    def rows(self, shard: PlannedShard) -> pa.Table:
        ordered = self._found.take(self._order.slice(shard.start, shard.samples))
        subject_of = self._subject_of[shard.start : shard.start + shard.samples]
        subject = self.subjects.names.take(pa.array(subject_of))
        columns = {
            "impression": ordered["impression"].cast(pa.string()).combine_chunks(),
            "source": ordered["source"].cast(pa.binary()),
            "subject": subject,
            "group": self.subjects.groups.take(pa.array(subject_of)),
            "label": self.subjects.labels[subject_of],
        }
        columns["key"] = pc.binary_join_element_wise(subject, columns["impression"], "/")
        return pa.table(
            {name: columns[name] if name in columns else ordered[name] for name in PLAN_SCHEMA.names}, PLAN_SCHEMA
        )


def assign_shards(
    found: dict[str, pa.ChunkedArray],
    groups: Mapping[str, str],
    split_of: Callable[[str], str],
    shard_size: int,
    before: PriorState | None = None,
) -> TreePlan:
    """Put everything that was found into its place; `split_of` knows the split of a subject.

    The columns are taken out of `found` one by one as their chunks are joined, so that only one lies in memory twice.
    """
    before = before or PriorState()
    coded = found.pop("subject")  # all its chunks have one dictionary
    names = coded.chunk(0).dictionary.to_pylist() if coded.num_chunks else []
    subjects, rank = _subjects(names, groups, split_of, before)
    subject_of = np.concatenate([rank[chunk.indices.to_numpy()] for chunk in coded.chunks] or [rank])
    joined = pa.table({name: _join_chunks(found.pop(name)) for name in list(found)})
    order = _order(subject_of, joined["impression"])
    subject_of = subject_of[order.to_numpy()]
    _check_unique_keys(joined, order, subject_of, subjects)
    _check_tar_limits(joined, order, subject_of, subjects)
    shards = tuple(
        _shards(
            subjects.splits, subject_of, bytes_per_row(joined["size"], joined)[order.to_numpy()], shard_size, before
        )
    )
    return TreePlan(shards, subjects, joined, order, subject_of)


def _join_chunks(chunks: pa.ChunkedArray) -> pa.Array:
    """One array of many chunks, whose memory goes back to the system before the next column needs as much."""
    joined = chunks.combine_chunks()
    del chunks
    pa.default_memory_pool().release_unused()
    return joined


def _subjects(
    names: list[str], groups: Mapping[str, str], split_of: Callable[[str], str], before: PriorState
) -> tuple[PlannedSubjects, IntArray]:
    """The subjects in order, and for each of `names` where it stands there."""
    described = [(split_of(name), groups.get(name, name), name) for name in names]
    order = sorted(range(len(names)), key=described.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    following = dict(before.classes)
    labels = np.empty(len(names), np.int64)
    for number, each in enumerate(order):
        split, _, name = described[each]
        if name in before.labels:
            labels[number] = before.labels[name]
        else:
            labels[number] = following.get(split, 0)
            following[split] = following.get(split, 0) + 1
    inorder = [described[each] for each in order]
    names_, groups_ = (pa.array([each[field] for each in inorder], pa.string()) for field in (2, 1))
    return PlannedSubjects(names_, groups_, [each[0] for each in inorder], labels), rank


def _order(subject_of: IntArray, impressions: pa.ChunkedArray) -> pa.Array:
    table = pa.table({"subject": subject_of, "impression": impressions})
    return pc.sort_indices(table, [("subject", "ascending"), ("impression", "ascending")])


def _check_unique_keys(found: pa.Table, order: pa.Array, subject_of: IntArray, subjects: PlannedSubjects) -> None:
    impressions = found["impression"].combine_chunks().take(order)
    same = pc.equal(impressions[1:], impressions[:-1]).to_numpy(zero_copy_only=False)
    twice = np.flatnonzero(same & (subject_of[1:] == subject_of[:-1])).tolist()
    if twice:
        row = twice[0]
        first, second = found["source"].take(order[row : row + 2]).to_pylist()
        key = _key(subjects, subject_of[row], impressions[row])
        raise UsageError(
            f"{len(twice):,} samples have the key of another. {str(first)[1:]} and {str(second)[1:]} would both be "
            f"{key}. {suggest_layout(key, first, second, (source.as_py() for source in found['source']))}"
        )


def _check_tar_limits(found: pa.Table, order: pa.Array, subject_of: IntArray, subjects: PlannedSubjects) -> None:
    """A name or a size that a tar cannot hold ends the plan, before hours are spent on packing."""
    if (pc.max(found["size"]).as_py() or 0) > LARGEST_MEMBER:
        row = pc.index(pc.greater(found["size"], LARGEST_MEMBER), value=True).as_py()
        raise UsageError(f"{str(found['source'][row].as_py())[1:]}: a member of a tar must be smaller than 8 GiB.")
    names = pc.binary_length(subjects.names).to_numpy(zero_copy_only=False)
    lengths = pc.binary_length(found["impression"]).to_numpy()[order.to_numpy()] + names[subject_of]
    for row in np.flatnonzero(lengths + len("/") + len(_LONGEST_ENDING) > _FITS).tolist():
        impression = found["impression"][order[row].as_py()]
        split_name(_key(subjects, subject_of[row], impression) + _LONGEST_ENDING)


def _key(subjects: PlannedSubjects, subject: int, impression: pa.Scalar) -> str:
    return key_of(subjects.names[subject].as_py(), impression.as_py())


def bytes_per_row(images: pa.ChunkedArray, rows: pa.Table) -> IntArray:
    """The bytes of each image with its sidecars."""
    sidecars = rows["sidecars"].combine_chunks()
    sizes = pc.struct_field(sidecars.values, "size").to_numpy(zero_copy_only=False)
    until = np.concatenate([[0], np.cumsum(sizes)])[sidecars.offsets.to_numpy()]
    total: IntArray = images.to_numpy() + np.diff(until)
    return total


def _shards(
    splits: list[str], subject_of: IntArray, totals: IntArray, shard_size: int, before: PriorState
) -> Iterator[PlannedShard]:
    numbers = dict(before.shards)
    for split, start, stop, size in _fill_shards(splits, subject_of, totals, shard_size):
        number = numbers.get(split, 0)
        numbers[split] = number + 1
        yield PlannedShard(shard_name(split, number), split, start, stop - start, size)


def _fill_shards(
    splits: list[str], subject_of: IntArray, totals: IntArray, shard_size: int
) -> Iterator[tuple[str, int, int, int]]:
    """Fill one shard after the other, up to its size or to the end of the split."""
    current: tuple[str, int, int, int] | None = None
    for split, start, stop, size in _pieces(splits, subject_of, totals, shard_size):
        fits = current and current[3] + size <= shard_size and stop - current[1] <= MAX_SAMPLES
        if current and current[0] == split and fits:
            current = (split, current[1], stop, current[3] + size)
            continue
        if current:
            yield current
        current = (split, start, stop, size)
    if current:
        yield current


def _pieces(
    splits: list[str], subject_of: IntArray, totals: IntArray, shard_size: int
) -> Iterator[tuple[str, int, int, int]]:
    """What stays together: a subject, and only of one that exceeds a shard as much as fits."""
    starts = np.flatnonzero(np.diff(subject_of, prepend=-1))
    sizes = np.add.reduceat(totals, starts) if len(starts) else totals
    for start, stop, size in zip(starts.tolist(), [*starts[1:].tolist(), len(totals)], sizes.tolist(), strict=True):
        split = splits[subject_of[start]]
        if size <= shard_size and stop - start <= MAX_SAMPLES:
            yield split, start, stop, size
            continue
        for first, last in _cut(totals[start:stop].tolist(), shard_size):
            yield split, start + first, start + last, int(totals[start + first : start + last].sum())


def _cut(sizes: list[int], limit: int) -> Iterator[tuple[int, int]]:
    first = filled = 0
    for each, size in enumerate(sizes):
        if (filled and filled + size > limit) or each - first >= MAX_SAMPLES:
            yield first, each
            first, filled = each, 0
        filled += size
    yield first, len(sizes)
