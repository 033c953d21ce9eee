"""Preview of a removal: samples to remove, group members that stay, and removed bytes that other subjects share."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError, command_hint, did_you_mean
from shardkit.format.keys import encode_name
from shardkit.reader.dataset import Dataset
from shardkit.schema import Shard, Subject

MAX_LISTED_DUPLICATES = 1_000
"""Duplicates that are listed by name; all of them are counted."""

_MEMBER_COLUMNS = ["subject", "key", "image", "sidecars"]
_FILES = pa.schema([("name", pa.string()), ("size", pa.int64()), ("xxh3", pa.binary(16))])

Digests = np.ndarray[tuple[int], np.dtype[np.bytes_]]


@dataclass(frozen=True)
class Duplicate:
    """A removed file, and a file of another subject with the same bytes."""

    removed: str
    stays: str


@dataclass(frozen=True)
class Removal:
    """What one removal takes, for the user and for the record of an interrupted removal."""

    subjects: tuple[str, ...]
    groups: tuple[str, ...]
    """The groups that were named: all their members are among the subjects."""
    staying: Mapping[str, tuple[str, ...]]
    """For each group that loses a member, the members that stay."""
    samples: int
    bytes: int
    """Size of the removed images and sidecars."""
    rewritten: tuple[str, ...]
    """Names of the shards that hold a removed sample."""
    rewritten_bytes: int
    """Size of these shards before the removal."""
    duplicates: tuple[Duplicate, ...]
    """The first `MOST_DUPLICATES` of the files that stay with the bytes of a removed one."""
    duplicate_count: int


@dataclass(frozen=True)
class RemovalSelection:
    """The subjects to remove, as they stand in keys."""

    subjects: frozenset[str]
    groups: tuple[str, ...]
    staying: Mapping[str, tuple[str, ...]]

    def mask(self, subjects: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return for each row whether its subject is removed."""
        return pc.is_in(subjects, pa.array(sorted(self.subjects), pa.string()))


def select_subjects(
    dataset: Dataset, names: Iterable[str], groups: Iterable[str], earlier: Removal | None = None
) -> RemovalSelection:
    """Find the subjects and groups of these names, written as in keys or as in the source.

    What `earlier` removed and is not in the dataset again is not looked for.
    """
    if dataset.manifest.options.get("adopted"):
        raise UsageError(
            f"dataset {str(dataset.folder)!r}: another tool wrote its tars, so shardkit does not rewrite them. "
            "Remove the samples with that tool, then adopt the tars again with `shardkit index`."
        )
    members = _members_by_group(dataset.subjects)
    known = {each.subject for each in dataset.subjects}
    chosen = sorted(_find_names(dataset, "group", groups, members, earlier.groups if earlier else ()))
    gone = _find_names(dataset, "subject", names, known, earlier.subjects if earlier else ())
    gone = gone.union(*(members[group] for group in chosen))
    left = {group: tuple(sorted(each - gone)) for group, each in sorted(members.items()) if each & gone}
    return RemovalSelection(frozenset(gone), tuple(chosen), {group: each for group, each in left.items() if each})


def _members_by_group(subjects: Iterable[Subject]) -> Mapping[str, set[str]]:
    members = defaultdict[str, set[str]](set)
    for each in subjects:
        members[each.group].add(each.subject)
    return members


def _find_names(
    dataset: Dataset, kind: str, names: Iterable[str], known: Collection[str], removed: Collection[str]
) -> set[str]:
    found = set[str]()
    for name in names:
        key = name if name in known or name in removed else encode_name(os.fsencode(name))
        if key in known:
            found.add(key)
        elif key not in removed:
            raise UsageError(
                f"dataset {str(dataset.folder)!r} has no {kind} {name!r}, so nothing was removed. "
                f"{command_hint('ls --json', dataset.folder)} lists keys, subjects and "
                f"groups.{did_you_mean(name, known)}"
            )
    return found


def preview_removal(dataset: Dataset, selection: RemovalSelection) -> Removal:
    """Return what the removal of these subjects takes; nothing is written."""
    files = [_FILES.empty_table()]
    shards: list[Shard] = []
    samples = 0
    for shard in dataset.shards:
        if pc.any(selection.mask(dataset.rows(shard, ["subject"])["subject"])).as_py():
            rows = dataset.rows(shard, _MEMBER_COLUMNS)
            removed = rows.filter(selection.mask(rows["subject"]))
            files.append(_files_of(removed))
            shards.append(shard)
            samples += len(removed)
    removed_files = pa.concat_tables(files)
    duplicates, count = _find_duplicates(dataset, selection, removed_files)
    return Removal(
        subjects=tuple(sorted(selection.subjects)),
        groups=selection.groups,
        staying=selection.staying,
        samples=samples,
        bytes=pc.sum(removed_files["size"]).as_py() or 0,
        rewritten=tuple(shard.name for shard in shards),
        rewritten_bytes=sum(shard.size for shard in shards),
        duplicates=duplicates,
        duplicate_count=count,
    )


def _files_of(rows: pa.Table) -> pa.Table:
    """Return the images and sidecars of these rows, one row each."""
    tables = [_FILES.empty_table()]
    for batch in rows.to_batches():
        sidecars = batch["sidecars"]
        for keys, members in (
            (batch["key"], batch["image"]),
            (batch["key"].take(pc.list_parent_indices(sidecars)), pc.list_flatten(sidecars)),
        ):
            name = pc.binary_join_element_wise(keys, pc.struct_field(members, "ext"), ".")
            columns = [name, pc.struct_field(members, "size"), pc.struct_field(members, "xxh3")]
            tables.append(pa.table(columns, schema=_FILES))
    return pa.concat_tables(tables)


def _find_duplicates(
    dataset: Dataset, selection: RemovalSelection, removed: pa.Table
) -> tuple[tuple[Duplicate, ...], int]:
    """Return the first files that stay with the bytes of a removed one, and the number of all of them."""
    removed = _with_bytes(removed)
    # Sorted once: Arrow's own lookup would hash all removed digests again for each shard.
    order = np.argsort(_digests(removed))
    wanted = _digests(removed)[order]
    found: list[Duplicate] = []
    count = 0
    for staying in _staying_files(dataset, selection) if len(wanted) else ():
        digests = _digests(staying)
        at = np.searchsorted(wanted, digests).clip(max=len(wanted) - 1)
        matches = np.flatnonzero(wanted[at] == digests)
        count += len(matches)
        for match in islice(matches.tolist(), MAX_LISTED_DUPLICATES - len(found)):
            lost = removed["name"][order[at[match]]].as_py()
            found.append(Duplicate(lost, staying["name"][match].as_py()))
    return tuple(found), count


def _staying_files(dataset: Dataset, selection: RemovalSelection) -> Iterator[pa.Table]:
    for shard in dataset.shards:
        rows = dataset.rows(shard, _MEMBER_COLUMNS)
        yield _with_bytes(_files_of(rows.filter(pc.invert(selection.mask(rows["subject"])))))


def _with_bytes(files: pa.Table) -> pa.Table:
    return files.filter(pc.greater(files["size"], 0))


def _digests(files: pa.Table) -> Digests:
    """Return the digests as one array, of a type whose values NumPy sorts and compares by all 16 bytes."""
    chunks = [chunk for chunk in files["xxh3"].chunks if len(chunk)]
    each = [np.frombuffer(chunk.buffers()[1], "S16")[chunk.offset :][: len(chunk)] for chunk in chunks]
    return np.concatenate([np.empty(0, "S16"), *each])
