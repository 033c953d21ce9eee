"""Reading one tar of another tool: every byte once for the digests, and what a sample says about itself.

Rows become columns a few thousand at a time, and what is skipped goes to the disk line by line: memory does not grow
with the tar by more than its index.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from shardkit.dataset import Member, Sample
from shardkit.errors import BadInput, Mismatch, UsageError
from shardkit.format.digest import seal_of
from shardkit.format.folder import DatasetFolder
from shardkit.format.foreign import Entry, Read, entries
from shardkit.format.foreign_digest import TarDigest
from shardkit.format.key import encoded, key_of
from shardkit.format.refusal import explained
from shardkit.format.table_limits import MOST_SAMPLES
from shardkit.format.tables import INDEX, from_rows
from shardkit.image.headers import EXTENSIONS, described
from shardkit.image.limits import MAX_BYTES
from shardkit.pack.adopt_class import class_of
from shardkit.pack.adopt_groups import Group, Seen, grouped, refuse_twice
from shardkit.pack.adopt_key import KeyTemplate, identity
from shardkit.pack.adopt_names import split_of
from shardkit.pack.adopt_part import UNLABELLED, AdoptOptions, TarPart, finished, skips_name, write_part
from shardkit.pack.part import Skip
from shardkit.pack.shard import Watch

_ROWS_A_CHUNK = 4_096
_READ = 1 << 18


def read_tar(folder: Path, name: str, options: AdoptOptions, watch: Watch) -> TarPart:
    """The part of a tar, unless it is there already."""
    done = finished(folder, name, options)
    if done is not None:
        watch(done.samples, done.size)
        return done
    path = folder / name
    with explained(path), path.open("rb", buffering=_READ) as heads, path.open("rb", buffering=_READ) as whole:
        before = os.fstat(whole.fileno())
        tar = _Tar(str(path), before.st_size, _reading(heads), TarDigest(whole, before.st_size))
        with DatasetFolder(folder).publish(skips_name(name)) as skips:
            reader = _Reader(tar, options, skips)
            reader.run(watch)
        other, blake3 = tar.digest.end()
        now = os.fstat(whole.fileno())
        if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise Mismatch(f"{path}: was changed while it was read. Wait for its writer to end, then run again.")
    part = TarPart(
        name=name,
        split=split_of(name, options.split),
        options=options.record(),
        size=before.st_size,
        mtime_ns=before.st_mtime_ns,
        samples=reader.rows.count,
        skipped=dict(sorted(reader.skipped.items())),
        ignored=reader.ignored,
        blake3=blake3,
        other=other.hex(),
        skips=seal_of(folder / skips_name(name), folder).blake3,
    )
    write_part(folder, part, reader.rows.table())
    return part


class _Rows:
    def __init__(self) -> None:
        self.count = 0
        self._chunks = [INDEX.empty_table()]
        self._rows: list[Sample] = []

    def append(self, sample: Sample) -> None:
        self.count += 1
        self._rows.append(sample)
        if len(self._rows) == _ROWS_A_CHUNK:
            self._cut()

    def table(self) -> pa.Table:
        self._cut()
        return pa.concat_tables(self._chunks).combine_chunks()

    def _cut(self) -> None:
        self._chunks.append(from_rows(self._rows, INDEX))
        self._rows = []


@dataclass(frozen=True)
class _Image:
    extension: str
    ending: bytes
    entry: Entry


@dataclass(frozen=True)
class _Tar:
    path: str
    size: int
    read: Read
    digest: TarDigest

    def groups(self) -> Iterator[Group | Entry]:
        return grouped(self.path, entries(self.path, self.read, self.size))


class _Reader:
    """Goes through the samples of one tar."""

    def __init__(self, tar: _Tar, options: AdoptOptions, skips: BinaryIO) -> None:
        self.rows = _Rows()
        self.skipped = Counter[str]()
        self.ignored = 0
        self._tar, self._options, self._skips = tar, options, skips
        self._template = KeyTemplate.parsed(options.key) if options.key else None

    def run(self, watch: Watch) -> None:
        seen = Seen()
        for found in self._tar.groups():
            if isinstance(found, Entry):
                self.ignored += 1
                continue
            seen.add(found)
            self._take(found)
            watch(1, sum(entry.size for entry in found.members.values()))
        refuse_twice(self._tar.path, seen, self._tar.groups())

    def _take(self, group: Group) -> None:
        if self.rows.count == MOST_SAMPLES:
            raise UsageError(f"{self._tar.path}: holds more than {MOST_SAMPLES:,} samples. Split it into smaller tars.")
        try:
            self.rows.append(self._sample(group))
        except BadInput as bad:
            self.skipped[bad.reason] += 1
            source = f"{Path(self._tar.path).name}/{os.fsdecode(group.key)}"
            self._skips.write(Skip(source, bad.reason, bad.detail).line)

    def _sample(self, group: Group) -> Sample:
        image = _image(group)
        picture = described(image.extension, self._tar.read(image.entry.offset, image.entry.size))
        given = class_of(group.members, self._options.label_field, self._tar.read)
        subject, impression = identity(group.key, self._template, None if given is None else str(given))
        # Only now: what is skipped is read as bytes between samples.
        digests = self._tar.digest.sample(tuple(group.members.values()))
        members = {
            ending: Member(_told(ending), entry.offset, entry.size, digest)
            for (ending, entry), digest in zip(group.members.items(), digests.payloads, strict=True)
        }
        stored = members.pop(image.ending)
        return Sample(
            key=key_of(subject, impression),
            subject=subject,
            impression=impression,
            group=subject,
            label=given if isinstance(given, int) else UNLABELLED,
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


def _image(group: Group) -> _Image:
    """The first member with the ending of an image; a reader that knows the format finds it under a lower-case one."""
    for ending, entry in group.members.items():
        extension = ending.decode("latin-1").lower()
        if extension in EXTENSIONS:
            if entry.size > MAX_BYTES:
                raise BadInput("too-large", f"its image has {entry.size:,} bytes; at most {MAX_BYTES:,} are taken.")
            return _Image(extension, ending, entry)
    endings = ", ".join(f".{_told(ending)}" for ending in list(group.members)[:5])
    raise BadInput("no-image", f"it has {endings}, but no image.")


def _told(ending: bytes) -> str:
    return ".".join(encoded(part) for part in ending.split(b"."))


def _reading(file: BinaryIO) -> Read:
    def read(offset: int, size: int) -> bytes:
        file.seek(offset)
        return file.read(size)

    return read
