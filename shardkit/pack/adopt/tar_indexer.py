"""Index of one tar of another tool: its samples, their keys, and every byte read once for the digests.

As in WebDataset, a key is a name up to the first dot after its folders, and consecutive members with one key are a
sample. Rows become columns a few thousand at a time, and skipped members go to disk line by line: memory grows with the
index of the tar only.
"""

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from xxhash import xxh3_128_digest

from shardkit.errors import BadInput, Mismatch, UsageError
from shardkit.format.foreign_digest import AdoptedTarHasher
from shardkit.format.foreign_tar import ForeignMember, ReadAt, TarLocation, iter_members
from shardkit.format.keys import encode_name, key_of
from shardkit.format.table_limits import MAX_SAMPLES
from shardkit.format.tables import INDEX, rows_to_table
from shardkit.image.codec import IMAGE_EXTENSIONS, inspect_image
from shardkit.image.formats import MAX_BYTES
from shardkit.pack.adopt.identity import KeyTemplate, label_of, sample_identity
from shardkit.pack.adopt.receipts import (
    UNLABELED,
    AdoptOptions,
    TarReceipt,
    read_tar_receipt,
    skips_name,
    split_from_name,
    write_tar_receipt,
)
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.parallel import Progress
from shardkit.schema import Member, Sample
from shardkit.storage.errors import os_errors
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import hash_file

MAX_MEMBERS = 1_000


@dataclass(frozen=True, slots=True)
class SampleGroup:
    key: bytes
    members: dict[bytes, ForeignMember]
    """By their endings, in the order of the tar."""

    @property
    def start(self) -> int:
        return next(iter(self.members.values())).start


def group_samples(tar: str, entries: Iterable[ForeignMember]) -> Iterator[SampleGroup | ForeignMember]:
    """The samples of a tar; and each member that can belong to none, since its name has no key or no ending."""
    for key, run in groupby(entries, key=lambda entry: webdataset_key(entry.name)):
        if key is None:
            yield from run
        else:
            yield SampleGroup(key, _members(tar, key, run))


def webdataset_key(name: bytes) -> bytes | None:
    folder, slash, base = name.rpartition(b"/")
    stem, dot, _ = base.partition(b".")
    return folder + slash + stem if stem and dot else None


def _members(tar: str, key: bytes, run: Iterable[ForeignMember]) -> dict[bytes, ForeignMember]:
    members: dict[bytes, ForeignMember] = {}
    for entry in run:
        place = TarLocation(tar, entry.start, entry.name)
        ending = entry.name[len(key) + 1 :]
        if ending in members:
            raise place.refused(
                f"a member of this name stands at byte {members[ending].start:,} already. Remove one of them."
            )
        if len(members) == MAX_MEMBERS:
            raise place.refused(f"a sample has at most {MAX_MEMBERS:,} members. Give samples keys that differ.")
        members[ending] = entry
    return members


class KeySet:
    """The keys of a tar by their digests, so that a million of them take no more than some megabytes."""

    def __init__(self) -> None:
        self._digests, self._starts = bytearray(), array("q")

    def add(self, group: SampleGroup) -> None:
        self._digests += xxh3_128_digest(group.key)
        self._starts.append(group.start)

    def find_duplicate(self) -> tuple[int, int] | None:
        """Where two samples with one key begin, if there are any."""
        digests = np.frombuffer(bytes(self._digests), [("high", "<u8"), ("low", "<u8")])
        order = np.lexsort((digests["low"], digests["high"]))
        same = np.flatnonzero(digests[order][1:] == digests[order][:-1])
        if not len(same):
            return None
        first, second = sorted(self._starts[order[same[0] + each]] for each in (0, 1))
        return first, second


def check_unique_keys(tar: str, seen: KeySet, groups: Iterable[SampleGroup | ForeignMember]) -> None:
    """Another run of members with an earlier key: either two samples, or one that was torn."""
    starts = seen.find_duplicate()
    if starts is None:
        return
    first, second = starts
    key = next(each.key for each in groups if isinstance(each, SampleGroup) and each.start == first)
    raise UsageError(
        f"{TarLocation(tar, first, key)}: the same key comes again at byte {second:,}. Members of a sample must stand "
        "together, and no two samples may share a key: write the tar anew with `tar --sort=name`, or rename one."
    )


_ROWS_PER_CHUNK = 4_096

_READ = 1 << 18


def index_tar(folder: Path, name: str, options: AdoptOptions, watch: Progress) -> TarReceipt:
    """The part of a tar, unless it is there already."""
    done = read_tar_receipt(folder, name, options)
    if done is not None:
        watch(done.samples, done.size)
        return done
    path = folder / name
    with os_errors(path), path.open("rb", buffering=_READ) as heads, path.open("rb", buffering=_READ) as whole:
        before = os.fstat(whole.fileno())
        tar = _Tar(str(path), before.st_size, _reader_of(heads), AdoptedTarHasher(whole, before.st_size))
        with DatasetFolder(folder).publish(skips_name(name)) as skips:
            reader = _Reader(tar, options, skips)
            reader.run(watch)
        other, blake3 = tar.digest.end()
        now = os.fstat(whole.fileno())
        if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise Mismatch(f"{path}: was changed while it was read. Wait for its writer to end, then run again.")
    part = TarReceipt(
        name=name,
        split=split_from_name(name, options.split),
        options=options.record(),
        size=before.st_size,
        mtime_ns=before.st_mtime_ns,
        samples=reader.rows.count,
        skipped=dict(sorted(reader.skipped.items())),
        ignored=reader.ignored,
        blake3=blake3,
        other=other.hex(),
        skips=hash_file(folder / skips_name(name), folder).blake3,
    )
    write_tar_receipt(folder, part, reader.rows.table())
    return part


class _Rows:
    def __init__(self) -> None:
        self.count = 0
        self._chunks = [INDEX.empty_table()]
        self._rows: list[Sample] = []

    def append(self, sample: Sample) -> None:
        self.count += 1
        self._rows.append(sample)
        if len(self._rows) == _ROWS_PER_CHUNK:
            self._cut()

    def table(self) -> pa.Table:
        self._cut()
        return pa.concat_tables(self._chunks).combine_chunks()

    def _cut(self) -> None:
        self._chunks.append(rows_to_table(self._rows, INDEX))
        self._rows = []


@dataclass(frozen=True)
class _Image:
    extension: str
    ending: bytes
    entry: ForeignMember


@dataclass(frozen=True)
class _Tar:
    path: str
    size: int
    read: ReadAt
    digest: AdoptedTarHasher

    def groups(self) -> Iterator[SampleGroup | ForeignMember]:
        return group_samples(self.path, iter_members(self.path, self.read, self.size))


class _Reader:
    """Goes through the samples of one tar."""

    def __init__(self, tar: _Tar, options: AdoptOptions, skips: BinaryIO) -> None:
        self.rows = _Rows()
        self.skipped = Counter[str]()
        self.ignored = 0
        self._tar, self._options, self._skips = tar, options, skips
        self._template = KeyTemplate.parse(options.key) if options.key else None

    def run(self, watch: Progress) -> None:
        seen = KeySet()
        for found in self._tar.groups():
            if isinstance(found, ForeignMember):
                self.ignored += 1
                continue
            seen.add(found)
            self._take(found)
            watch(1, sum(entry.size for entry in found.members.values()))
        check_unique_keys(self._tar.path, seen, self._tar.groups())

    def _take(self, group: SampleGroup) -> None:
        if self.rows.count == MAX_SAMPLES:
            raise UsageError(f"{self._tar.path}: holds more than {MAX_SAMPLES:,} samples. Split it into smaller tars.")
        try:
            self.rows.append(self._sample(group))
        except BadInput as bad:
            self.skipped[bad.reason] += 1
            source = f"{Path(self._tar.path).name}/{os.fsdecode(group.key)}"
            self._skips.write(SkippedRecord(source, bad.reason, bad.detail).line)

    def _sample(self, group: SampleGroup) -> Sample:
        image = _image(group)
        picture = inspect_image(image.extension, self._tar.read(image.entry.offset, image.entry.size))
        given = label_of(group.members, self._options.label_field, self._tar.read)
        subject, impression = sample_identity(group.key, self._template, None if given is None else str(given))
        # Only now: what is skipped is read as bytes between samples.
        digests = self._tar.digest.sample(tuple(group.members.values()))
        members = {
            ending: Member(_printable(ending), entry.offset, entry.size, digest)
            for (ending, entry), digest in zip(group.members.items(), digests.payloads, strict=True)
        }
        stored = members.pop(image.ending)
        return Sample(
            key=key_of(subject, impression),
            subject=subject,
            impression=impression,
            group=subject,
            label=given if isinstance(given, int) else UNLABELED,
            source=image.entry.name,
            original_width=picture.width,
            original_height=picture.height,
            width=picture.upright.width,
            height=picture.upright.height,
            channels=picture.channels,
            bit_depth=picture.bit_depth,
            image=Member(image.extension, stored.offset, stored.size, stored.xxh3),
            sidecars=tuple(members.values()),
            generation=0,
            other=digests.other,
        )


def _image(group: SampleGroup) -> _Image:
    """The first member with the ending of an image; a reader that knows the format finds it under a lower-case one."""
    for ending, entry in group.members.items():
        extension = ending.decode("latin-1").lower()
        if extension in IMAGE_EXTENSIONS:
            if entry.size > MAX_BYTES:
                raise BadInput("too-large", f"its image has {entry.size:,} bytes; at most {MAX_BYTES:,} are taken.")
            return _Image(extension, ending, entry)
    endings = ", ".join(f".{_printable(ending)}" for ending in list(group.members)[:5])
    raise BadInput("no-image", f"it has {endings}, but no image.")


def _printable(ending: bytes) -> str:
    return ".".join(encode_name(part) for part in ending.split(b"."))


def _reader_of(file: BinaryIO) -> ReadAt:
    def read(offset: int, size: int) -> bytes:
        file.seek(offset)
        return file.read(size)

    return read
