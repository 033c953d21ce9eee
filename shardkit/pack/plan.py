"""Deciding everything before anything is written: which sample goes into which shard, under which label.

A plan is a pure function of what was found and what was asked for. So every shard is a task of its own, whoever does
it, whenever, and however often. Rows are kept in columns and put into order only as they are asked for: a million and a
half of them fit into memory beside their order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.key import key_of
from shardkit.format.tar import LARGEST_MEMBER, split_name
from shardkit.pack.found import SIDECAR

PLAN = pa.schema(
    [
        ("key", pa.string()),
        ("subject", pa.string()),
        ("impression", pa.string()),
        ("group", pa.string()),
        ("label", pa.int64()),
        ("source", pa.binary()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("sidecars", pa.list_(SIDECAR)),
    ]
)

# The longest ending that a member gets from us, and what a tar takes whatever the parts of the name are.
_LONGEST_ENDING = ".npy.zst"
_FITS = 100

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Before:
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
    labels: Integers


@dataclass(frozen=True)
class Plan:
    shards: tuple[PlannedShard, ...]
    subjects: PlannedSubjects
    _ordered: pa.Table
    _subject_of: Integers
    """For every row, the number of its subject."""

    def rows(self, shard: PlannedShard) -> pa.Table:
        ordered = self._ordered.slice(shard.start, shard.samples)
        subject_of = self._subject_of[shard.start : shard.start + shard.samples]
        subject = self.subjects.names.take(pa.array(subject_of))
        columns = {
            "key": pc.binary_join_element_wise(subject, ordered["impression"].combine_chunks(), "/"),
            "subject": subject,
            "group": self.subjects.groups.take(pa.array(subject_of)),
            "label": self.subjects.labels[subject_of],
        }
        return pa.table({name: columns[name] if name in columns else ordered[name] for name in PLAN.names}, PLAN)


def planned(
    found: dict[str, pa.ChunkedArray],
    groups: Mapping[str, str],
    split_of: Callable[[str], str],
    shard_size: int,
    before: Before | None = None,
) -> Plan:
    """Put everything that was found into its place; `split_of` knows the split of a subject.

    The columns are taken out of `found` one by one as they are put into order, so that no two of them lie in memory
    twice.
    """
    before = before or Before()
    coded = found.pop("subject").unify_dictionaries().combine_chunks()
    subjects, rank = _subjects(coded.dictionary.to_pylist(), groups, split_of, before)
    subject_of = rank[coded.indices.to_numpy()]
    order = _order(subject_of, found["impression"])
    ordered = pa.table({name: found.pop(name).combine_chunks().take(order) for name in list(found)})
    subject_of = subject_of[order.to_numpy()]
    _refuse_duplicates(ordered, subject_of, subjects)
    _refuse_unfit(ordered, subject_of, subjects)
    shards = tuple(_shards(subjects.splits, subject_of, _bytes_per_row(ordered), shard_size, before))
    return Plan(shards, subjects, ordered, subject_of)


def _subjects(
    names: list[str], groups: Mapping[str, str], split_of: Callable[[str], str], before: Before
) -> tuple[PlannedSubjects, Integers]:
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


def _order(subject_of: Integers, impressions: pa.ChunkedArray) -> pa.Array:
    table = pa.table({"subject": subject_of, "impression": impressions})
    return pc.sort_indices(table, [("subject", "ascending"), ("impression", "ascending")])


def _refuse_duplicates(ordered: pa.Table, subject_of: Integers, subjects: PlannedSubjects) -> None:
    impressions = ordered["impression"].combine_chunks()
    same = pc.equal(impressions[1:], impressions[:-1]).to_numpy(zero_copy_only=False)
    twice = np.flatnonzero(same & (subject_of[1:] == subject_of[:-1]))
    if len(twice):
        row = int(twice[0])
        first, second = (str(ordered["source"][row + each].as_py())[1:] for each in (0, 1))
        raise UsageError(
            f"{len(twice):,} samples have the key of another. {first} and {second} would both "
            f"be {_key(ordered, subject_of, subjects, row)}. Name the parts of the path that tell them apart with --layout, or "
            "remove one of them."
        )


def _refuse_unfit(ordered: pa.Table, subject_of: Integers, subjects: PlannedSubjects) -> None:
    """A name or a size that a tar cannot hold ends the plan, before hours are spent on packing."""
    if (pc.max(ordered["size"]).as_py() or 0) > LARGEST_MEMBER:
        row = pc.index(pc.greater(ordered["size"], LARGEST_MEMBER), value=True).as_py()
        raise UsageError(f"{ordered['source'][row].as_py()!a}: a member of a tar must be smaller than 8 GiB.")
    names = pc.binary_length(subjects.names).to_numpy(zero_copy_only=False)
    lengths = pc.binary_length(ordered["impression"]).to_numpy() + names[subject_of]
    for row in np.flatnonzero(lengths + len("/") + len(_LONGEST_ENDING) > _FITS):
        split_name(_key(ordered, subject_of, subjects, int(row)) + _LONGEST_ENDING)


def _key(ordered: pa.Table, subject_of: Integers, subjects: PlannedSubjects, row: int) -> str:
    return key_of(subjects.names[subject_of[row]].as_py(), ordered["impression"][row].as_py())


def _bytes_per_row(ordered: pa.Table) -> Integers:
    sidecars = ordered["sidecars"].combine_chunks()
    sizes = pc.struct_field(pc.list_flatten(sidecars), "size").to_numpy(zero_copy_only=False)
    beside = np.bincount(pc.list_parent_indices(sidecars).to_numpy(), weights=sizes, minlength=len(ordered))
    total: Integers = ordered["size"].to_numpy() + beside.astype(np.int64)
    return total


def _shards(
    splits: list[str], subject_of: Integers, totals: Integers, shard_size: int, before: Before
) -> Iterator[PlannedShard]:
    numbers = dict(before.shards)
    for split, start, stop, size in _filled(splits, subject_of, totals, shard_size):
        number = numbers.get(split, 0)
        numbers[split] = number + 1
        yield PlannedShard(f"{split}-{number:06}.tar", split, start, stop - start, size)


def _filled(
    splits: list[str], subject_of: Integers, totals: Integers, shard_size: int
) -> Iterator[tuple[str, int, int, int]]:
    """Fill one shard after the other, up to its size or to the end of the split."""
    current: tuple[str, int, int, int] | None = None
    for split, start, stop, size in _pieces(splits, subject_of, totals, shard_size):
        if current and current[0] == split and current[3] + size <= shard_size:
            current = (split, current[1], stop, current[3] + size)
            continue
        if current:
            yield current
        current = (split, start, stop, size)
    if current:
        yield current


def _pieces(
    splits: list[str], subject_of: Integers, totals: Integers, shard_size: int
) -> Iterator[tuple[str, int, int, int]]:
    """What stays together: a subject, and only of one that exceeds a shard as much as fits."""
    starts = np.flatnonzero(np.diff(subject_of, prepend=-1))
    sizes = np.add.reduceat(totals, starts) if len(starts) else totals
    for start, stop, size in zip(starts.tolist(), [*starts[1:].tolist(), len(totals)], sizes.tolist(), strict=True):
        split = splits[subject_of[start]]
        if size <= shard_size:
            yield split, start, stop, size
            continue
        for first, last in _cut(totals[start:stop].tolist(), shard_size):
            yield split, start + first, start + last, int(totals[start + first : start + last].sum())


def _cut(sizes: list[int], limit: int) -> Iterator[tuple[int, int]]:
    first = filled = 0
    for each, size in enumerate(sizes):
        if filled and filled + size > limit:
            yield first, each
            first, filled = each, 0
        filled += size
    yield first, len(sizes)
