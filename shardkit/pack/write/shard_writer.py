"""Writer of one shard: a pure function of the plan and the sources.

It can run anywhere and repeatedly. It leaves the tar and, after it, the receipt, so a rerun skips finished shards.
"""

import hashlib
import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from blake3 import blake3

from shardkit.errors import BadInput, Mismatch
from shardkit.format.digests import rows_digest
from shardkit.format.tables import INDEX, rows_to_table
from shardkit.image.formats import MINUTIAE_EXTENSION
from shardkit.pack.plan.planfile import PlanFile
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.pack.write.encoders import encoder_for, open_source
from shardkit.pack.write.receipts import ShardReceipt, read_receipt, write_receipt
from shardkit.pack.write.tar_writer import Hash, ImageEncoder, TarWriter
from shardkit.parallel import Progress
from shardkit.schema import Member, Sample
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import hash_file

# As Python values, a row takes ten times the memory that it takes in columns, and small images are many in a shard.
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class PackJob:
    """All that a shard's maker needs to know."""

    root: Path
    folder: Path
    plan: PlanFile
    fail_on_bad_input: bool = False


def pack_shard(work: PackJob, number: int, watch: Progress) -> ShardReceipt:
    """Make the shard, unless it is there already."""
    planned = work.plan.shards[number]
    done = read_receipt(work.folder, planned, work.plan.hash)
    if done is not None:
        watch(planned.samples, planned.bytes)
        return done
    path = work.folder / planned.name
    maker = _ShardWriter(work, watch)
    try:
        with DatasetFolder(work.folder).publish(planned.name) as file:
            sealed = maker.write(work.plan.rows(number), file)
            _check_same_bytes(path, sealed.blake3)
    finally:
        maker.source.close()
    rows = pa.concat_tables(maker.rows).combine_chunks() if maker.rows else INDEX.empty_table()
    part = ShardReceipt(
        planned.name, work.plan.hash, len(rows), rows_digest(rows), tuple(maker.skipped), **asdict(sealed)
    )
    write_receipt(work.folder, part, rows)
    return part


@dataclass(frozen=True)
class _Sealed:
    size: int
    blake3: str
    sha256: str | None


class _ShardWriter:
    """Packs the samples of one shard, one after the other."""

    def __init__(self, work: PackJob, watch: Progress) -> None:
        terms = work.plan.terms
        self.source = open_source(work.root, terms.asked)
        self.rows: list[pa.Table] = []
        self.skipped: list[SkippedRecord] = []
        self._work, self._watch = work, watch
        self._store: ImageEncoder = encoder_for(terms.asked, terms.codec)
        self._sha256 = hashlib.sha256() if terms.asked.sha256 else None

    def write(self, rows: pa.Table, file: BinaryIO) -> _Sealed:
        hasher = blake3()
        hashers: list[Hash] = [hasher.update] if self._sha256 is None else [hasher.update, self._sha256.update]
        spool = TarWriter(file.write, hashers)
        for batch in rows.to_batches(_ROWS_AT_ONCE):
            packed = (self._packed(row, spool) for row in batch.to_pylist())
            self.rows.append(rows_to_table((sample for sample in packed if sample), INDEX))
        size = spool.close()
        return _Sealed(size, hasher.hexdigest(), self._sha256.hexdigest() if self._sha256 else None)

    def _packed(self, row: dict[str, Any], spool: TarWriter) -> Sample | None:
        sample: Sample | None = None
        try:
            sample = self._sample(row, spool)
        except BadInput as bad:
            skip = SkippedRecord.of(row["source"], bad.reason, bad.detail)
            if self._work.fail_on_bad_input:
                raise skip.refusal from bad
            spool.rollback()
            self.skipped.append(skip)
        else:
            spool.commit()
        self._watch(1, row["size"])
        return sample

    def _sample(self, row: dict[str, Any], spool: TarWriter) -> Sample:
        key, source = row["key"], row["source"]
        read = partial(self.source.read, source, row["size"], row["mtime_ns"])
        stored = self._store(spool, key, row["size"], read)
        if stored.turned and any(each["ext"] == MINUTIAE_EXTENSION for each in row["sidecars"]):
            raise BadInput(
                "turned-minutiae",
                f"EXIF turns this image, and its .{MINUTIAE_EXTENSION} counts in the pixels before that. Turn "
                "both upright yourself, or pack without --codec, --color, --size and --enhance: the stream then "
                "turns both.",
            )
        sidecars = tuple(self._sidecar(each, row, spool) for each in row["sidecars"])
        kept = {name: row[name] for name in ("key", "subject", "impression", "group", "label", "source")}
        return Sample(
            **kept,
            original_width=stored.original[0],
            original_height=stored.original[1],
            width=stored.width,
            height=stored.height,
            channels=stored.channels,
            bit_depth=stored.bit_depth,
            image=stored.member,
            sidecars=sidecars,
            generation=self._work.plan.terms.generation,
        )

    def _sidecar(self, sidecar: dict[str, Any], row: dict[str, Any], spool: TarWriter) -> Member:
        path = sidecar_path(row["source"], sidecar["ext"])
        read = partial(self.source.read, path, sidecar["size"], sidecar["mtime_ns"])
        try:
            return spool.add(row["key"], sidecar["ext"], sidecar["size"], read)
        except BadInput as bad:
            raise BadInput(bad.reason, f"its sidecar .{sidecar['ext']}: {bad}") from bad


def sidecar_path(source: bytes, ext: str) -> bytes:
    """The path of an image's sidecar."""
    return source.rpartition(b".")[0] + b"." + os.fsencode(ext)


def _check_same_bytes(path: Path, ours: str) -> None:
    """A tar without a part is what a kill left between the two; any other was made by something else."""
    if os.path.lexists(path) and hash_file(path).blake3 != ours:
        raise Mismatch(
            f"{path}: a shard of this name is there with other bytes. Move it away, or pack into another folder."
        )
