"""Files of a generation: index, tables and checksum lists, written in one way by every command.

The index has one row group per shard, and few enough per file that its footer does not grow with the dataset. The
digest of each file is recorded as it is published. The last part lists the library versions that bytes depend on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING

import pyarrow as pa

import shardkit
from shardkit.format.digests import format_checksums
from shardkit.format.generation import index_name, next_index, sums_name
from shardkit.format.manifest import encode_backup
from shardkit.format.recorded_options import DatasetTerms
from shardkit.format.tables import INDEX, SHARDS, SUBJECTS, rows_to_table, write_table
from shardkit.schema import Generation, Shard, Subject
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import hash_file, sha256_file

if TYPE_CHECKING:
    from shardkit.schema import Seal


class GenerationWriter:
    def __init__(self, folder: DatasetFolder) -> None:
        self.sealed: dict[str, Seal] = {}
        self._folder = folder

    def table(self, name: str, schema: pa.Schema, groups: Iterable[pa.Table], beside: bytes | None = None) -> None:
        write_table(self._folder, name, schema, groups, beside)
        self.seal(name)

    def bytes(self, name: str, content: bytes) -> None:
        self._folder.publish_bytes(name, content)
        self.seal(name)

    def seal(self, name: str) -> None:
        self.sealed[name] = hash_file(self._folder.path / name, self._folder.dataset)

    def sums(self, generation: int, tars: Mapping[str, tuple[str, str | None]], *, sha256: bool) -> None:
        """The lists for `b3sum -c` and, when asked, `sha256sum -c`: of the tars and of all that was sealed so far."""
        others = dict(self.sealed)
        blake3 = {name: digests[0] for name, digests in tars.items()} | {
            name: each.blake3 for name, each in others.items()
        }
        self.bytes(sums_name("B3SUMS", generation), format_checksums(blake3))
        if sha256:
            digests = {name: each[1] or self._sha256(name) for name, each in tars.items()}
            digests |= {name: self._sha256(name) for name in others}
            self.bytes(sums_name("SHA256SUMS", generation), format_checksums(digests))

    def _sha256(self, name: str) -> str:
        return sha256_file(self._folder.path / name, self._folder.dataset)


def publish_tables(
    files: GenerationWriter,
    generation: Generation,
    terms: DatasetTerms,
    shards: Iterable[Shard],
    subjects: Iterable[Subject],
) -> None:
    """Write the shards and subjects that the generation adds."""
    files.table(generation.shards, SHARDS, [rows_to_table(shards, SHARDS)], encode_backup(terms, generation))
    files.table(generation.subjects, SUBJECTS, [rows_to_table(subjects, SUBJECTS)])


SHARDS_PER_FILE = 1024


@dataclass(frozen=True)
class UnindexedShard:
    """A shard that has no place in the index yet, with a way to its rows: those of all would fill the memory."""

    shard: Shard
    rows: Callable[[], pa.Table]


def write_index(shards: Iterable[UnindexedShard], used: list[str], files: GenerationWriter) -> Iterator[Shard]:
    """Write the index, split by split, under names that are not `used`; yield each shard with its position there.

    The rows of a shard are written before the next shard is taken from `shards`.
    """
    numbers: dict[str, int] = {}  # by split: the shards of two splits can sort into each other
    for split, of_split in groupby(shards, key=lambda each: each.shard.split):
        for chunk in _chunks(of_split):
            numbers[split] = numbers[split] + 1 if split in numbers else next_index(used, split)
            name, written = index_name(split, numbers[split]), list[Shard]()
            files.table(name, INDEX, _row_groups(chunk, name, written))
            yield from written


def _chunks(shards: Iterator[UnindexedShard]) -> Iterator[Iterator[UnindexedShard]]:
    for first in shards:
        yield chain([first], islice(shards, SHARDS_PER_FILE - 1))


def _row_groups(shards: Iterable[UnindexedShard], name: str, written: list[Shard]) -> Iterator[pa.Table]:
    for row_group, each in enumerate(shards):
        yield each.rows()
        written.append(replace(each.shard, index=name, row_group=row_group))


# What writes the tables, and what makes pixels.
_ALWAYS = ("numpy", "pyarrow")

_PIXELS = ("deflate", "isal", "lz4", "opencv", "zstandard")

_OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")


def library_versions(*, pixels: bool) -> dict[str, str]:
    """The libraries that bytes depend on: with these, the same sources become the same bytes."""
    names = _ALWAYS + (_PIXELS if pixels else ())
    return {"shardkit": shardkit.__version__, **dict(map(_installed, names))}


def _installed(name: str) -> tuple[str, str]:
    """Return a library's name and version; OpenCV is distributed under several names, and some systems record none."""
    for distribution in _OPENCV if name == "opencv" else (name,):
        with suppress(PackageNotFoundError):
            return distribution, version(distribution)
    module = import_module("cv2" if name == "opencv" else name)
    return name, str(getattr(module, "__version__", "unknown"))
