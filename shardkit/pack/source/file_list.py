"""List of `--files`, grouped by folder.

Its forms are one path per line, NUL-terminated paths as `find -print0` writes them, and {id: [path, …]} in JSON.
Paths are stored as folder numbers and names, and become Python objects only when their folder is scanned.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from shardkit.errors import UsageError
from shardkit.pack.source.candidates import ChunkedTable
from shardkit.pack.source.lists import ListFile, paths_of_subjects
from shardkit.pack.source.tree import ScanTask, SourceTree, join_path

_BLOCK = 1 << 16
"""More than a path can have bytes: a list with NULs has one in its first block."""

_LISTED = pa.schema(
    [
        ("folder", pa.dictionary(pa.int32(), pa.binary())),
        ("name", pa.large_binary()),
        ("subject", pa.dictionary(pa.int32(), pa.string())),
    ]
)


class _Listed(NamedTuple):
    folder: bytes
    name: bytes
    subject: str | None
    """Only where the list says whose it is."""


def iter_listed_folders(tree: SourceTree, list_file: ListFile) -> Iterator[ScanTask]:
    """Each folder that has files in the list, once, with their names."""
    rows = ChunkedTable(_chunk)
    for path, subject in _entries(tree, list_file):
        rows.append(_Listed(*os.path.split(tree.relative(path)), subject))
    listed = pa.Table.from_batches(rows.chunks(), _LISTED).unify_dictionaries()
    return _by_folder(*(column.combine_chunks() for column in listed.columns))


def _entries(tree: SourceTree, list_file: ListFile) -> Iterator[tuple[bytes, str | None]]:
    if list_file.is_json:
        yield from paths_of_subjects(list_file)
    else:
        yield from ((path, None) for path in _paths(tree, list_file))


def _paths(tree: SourceTree, list_file: ListFile) -> Iterator[bytes]:
    blocks = list_file.blocks(_BLOCK)
    block = next(blocks, b"")
    separator = b"\0" if b"\0" in block else b"\n"
    meant = partial(_without_return, tree) if separator == b"\n" else bytes
    rest = b""
    while block:
        *whole, rest = (rest + block).split(separator)
        yield from filter(None, map(meant, whole))
        block = next(blocks, b"")
        if separator == b"\n" and b"\0" in block:
            raise UsageError(f"{list_file}: lines, and then a NUL. Write one path a line, or end each with a NUL.")
    if rest := meant(rest):
        yield rest


def _without_return(tree: SourceTree, line: bytes) -> bytes:
    """A line of Windows, unless the file is named like that."""
    return line[:-1] if line.endswith(b"\r") and not os.path.lexists(tree.path(line)) else line


def _chunk(rows: Sequence[_Listed]) -> pa.RecordBatch:
    folders, names, subjects = zip(*rows, strict=True)
    coded = (pa.array(folders, pa.binary()).dictionary_encode(), pa.array(subjects, pa.string()).dictionary_encode())
    return pa.record_batch([coded[0], pa.array(names, pa.large_binary()), coded[1]], schema=_LISTED)


def _by_folder(
    folders: pa.DictionaryArray, names: pa.LargeBinaryArray, subjects: pa.DictionaryArray
) -> Iterator[ScanTask]:
    numbers = folders.indices.to_numpy()
    order = np.argsort(numbers, kind="stable")
    changes = np.flatnonzero(np.diff(numbers[order], prepend=-1, append=-1))
    for start, end in pairwise(changes.tolist()):
        path = folders[int(order[start])].as_py()
        rows = pa.array(order[start:end])
        listed = frozenset(zip(names.take(rows).to_pylist(), subjects.take(rows).to_pylist(), strict=True))
        yield ScanTask(path, _each_of_one(path, listed))


def _each_of_one(folder: bytes, listed: frozenset[tuple[bytes, str | None]]) -> dict[bytes, str | None]:
    """Name → subject: an image of two subjects would be a wrong label, whichever it got."""
    by_name = dict(listed)
    if len(by_name) < len(listed):
        name, one = min((name, str(subject)) for name, subject in listed if by_name[name] != subject)
        file = os.fsdecode(join_path(folder, name))
        raise UsageError(f"{file!a} is listed for {one} and for {by_name[name]}. Leave it with the one whom it shows.")
    return by_name
