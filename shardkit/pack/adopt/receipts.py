"""Receipt of an indexed tar, stored until the manifest is published: a resumed run reads no tar twice."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shardkit.errors import Damaged
from shardkit.format.json_values import canonical_json, decode_dataclass
from shardkit.format.row_checks import reject_rows, reject_sample_count
from shardkit.format.tables import (
    INDEX,
    METADATA_KEY,
    open_parquet,
    open_table_writer,
    parquet_errors,
    read_table,
)
from shardkit.pack.adopt.identity import LARGEST_LABEL
from shardkit.pack.workspace import ADOPTED
from shardkit.schema import Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import hash_file

TAR_SUFFIX = ".tar"

_NUMBERED = re.compile(r"(.+)-\d+")


def split_from_name(name: str, otherwise: str) -> str:
    """`train-000000.tar` is of the split train; a name that tells none is of the one asked for."""
    numbered = _NUMBERED.fullmatch(name.removesuffix(TAR_SUFFIX))
    return numbered[1] if numbered else otherwise


UNLABELED = -1
"""The label of a row whose tar gives none, until all tars are read."""

FIRST_GENERATION = 0
"""Adopting makes a dataset's first generation."""

_BLAKE3, _XXH3, _REASON = (re.compile(each) for each in ("[0-9a-f]{64}", "[0-9a-f]{32}", "[a-z-]{1,64}"))


@dataclass(frozen=True)
class AdoptOptions:
    """What decides how tars are understood."""

    key: str | None
    label_field: str
    split: str

    def record(self) -> dict[str, object]:
        return {"adopted": True, **asdict(self)}


@dataclass(frozen=True)
class TarReceipt:
    """A tar as it was read, beside its rows and what was skipped."""

    name: str
    split: str
    options: Mapping[str, object]
    size: int
    mtime_ns: int
    samples: int
    skipped: Mapping[str, int]
    ignored: int
    """Members that belong to no sample."""
    blake3: str
    other: str
    skips: str
    """The BLAKE3 of the list of skipped samples."""

    @property
    def shard(self) -> Shard:
        """The tar as a shard, as far as it is known before the index is written."""
        return Shard(
            name=self.name,
            split=self.split,
            samples=self.samples,
            size=self.size,
            blake3=self.blake3,
            rows="",
            index="",
            row_group=0,
            generation=FIRST_GENERATION,
            other=bytes.fromhex(self.other),
        )


def skips_name(name: str) -> str:
    return f"{ADOPTED}/{name}.skipped.jsonl"


def write_tar_receipt(folder: Path, part: TarReceipt, rows: pa.Table) -> None:
    """Published after the list of what was skipped, for which it stands too."""
    with open_table_writer(DatasetFolder(folder), _part_name(part.name), INDEX) as writer:
        writer.write_group(rows)
        writer.keep(canonical_json(asdict(part)))


def read_tar_receipt(folder: Path, name: str, options: AdoptOptions) -> TarReceipt | None:
    """The part of a tar that was read under these options, and has not changed since.

    A part can come from an untrusted source. One that is damaged or not of this tar is None: the tar is read again.
    """
    path, inside = folder / _part_name(name), DatasetFolder(folder)
    try:
        if not all(inside.has_file(each) for each in (_part_name(name), skips_name(name))):
            return None
        with parquet_errors(path), open_parquet(path, folder) as file:
            part = decode_dataclass(json.loads((file.metadata.metadata or {}).get(METADATA_KEY, b"")), TarReceipt)
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        usable = _is_possible(part, groups) and part.skips == hash_file(folder / skips_name(name), folder).blake3
    except Damaged:
        return None
    now = (folder / name).stat()
    expected = (name, split_from_name(name, options.split), options.record(), now.st_size, now.st_mtime_ns)
    same = (part.name, part.split, part.options, part.size, part.mtime_ns) == expected
    return part if usable and same else None


def _is_possible(part: TarReceipt, groups: Sequence[pq.RowGroupMetaData]) -> bool:
    digests = _BLAKE3.fullmatch(part.blake3) and _XXH3.fullmatch(part.other)
    if not digests or not all(_REASON.fullmatch(each) for each in part.skipped):
        return False
    if not part.samples:
        return not sum(group.num_rows for group in groups)
    return [group.num_rows for group in groups] == [part.samples] and reject_sample_count(part.shard) is None


def tar_receipt_rows(folder: Path, part: TarReceipt) -> pa.Table:
    path = folder / _part_name(part.name)
    rows = read_table(path, INDEX, folder)
    why = reject_rows(rows, part.shard, {}) or _reject_labels(rows)
    if why:
        raise Damaged(f"{path}: this table of {part.name} {why}. Remove it, then run again: rm {quote(str(path))}")
    return rows


def _reject_labels(rows: pa.Table) -> str | None:
    least, greatest = pc.min_max(rows["label"]).as_py().values()
    if len(rows) and not UNLABELED <= least <= greatest <= LARGEST_LABEL:
        return f"has labels from {least} to {greatest}"
    return None


def _part_name(name: str) -> str:
    return f"{ADOPTED}/{name}.parquet"
