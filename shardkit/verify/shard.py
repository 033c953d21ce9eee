"""Check of one shard: its rows against their recorded digest, then its tar, in as many parts as requested."""

import os
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shardkit.format.tar import BLOCK, header
from shardkit.reader.dataset import Dataset
from shardkit.schema import Shard
from shardkit.storage.local import READ_ERRORS, describe_error, digest_file, opened_fd, read_into
from shardkit.verify.findings import Finding, FindingKind, Tally, digest_mismatch, unreadable_file
from shardkit.verify.keys import Hashes, find_invalid_keys, hash_keys
from shardkit.verify.member_table import (
    MemberTable,
    find_gap,
    member_table,
    tally_of,
    verified_rows,
)
from shardkit.verify.tar import PayloadCheck, Progress, TarChecker, check_adopted

MakePayloadCheck = Callable[[str, MemberTable], PayloadCheck]


@dataclass(frozen=True)
class TaskResult:
    """What a task came to."""

    findings: tuple[Finding, ...]
    summary: "ShardSummary | None" = None


@dataclass(frozen=True)
class ShardSummary:
    """What the rows of a shard say, to compare with those of other shards; only of a shard whose rows are sound."""

    shard: str
    tally: Tally
    keys: Hashes


@dataclass(frozen=True)
class _Rows:
    columns: MemberTable | None
    """None if they cannot be trusted, so that the tar must be checked as a whole."""
    findings: tuple[Finding, ...]
    summary: ShardSummary | None
    as_a_whole: bool


@dataclass
class ShardInspection:
    """A shard under inspection, shared by those who check its parts."""

    dataset: Dataset
    shard: Shard
    names: Mapping[str, str]
    """The name of every shard by its BLAKE3."""
    look: MakePayloadCheck | None
    parts: int = 1
    """How many calls of `check` there will be. The rows are kept from the first to the last of them, and no longer."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _rows: _Rows | None = None
    _checked: int = 0

    def check(self, part: int, told: Progress) -> TaskResult:
        """Check a part of the shard; the first tells what concerns all of it."""
        with self._lock:
            if self._rows is None:
                self._rows = self._read(lambda: told(0, 0))
            rows = self._rows
        findings = list(rows.findings) if part == 0 else []
        if rows.columns is not None and not rows.as_a_whole:
            findings += self._tar(rows.columns, part, told)
        with self._lock:
            self._checked += 1
            if self._checked == self.parts:
                self._rows = None
        return TaskResult(tuple(findings), rows.summary if part == 0 else None)

    def _tar(self, columns: MemberTable, part: int, told: Progress) -> Iterator[Finding]:
        first, last = (len(columns) * each // self.parts for each in (part, part + 1))
        look = self.look(self.shard.name, columns) if self.look else None
        try:
            with opened_fd(self._path) as descriptor:
                _read_on(descriptor)
                tar = TarChecker(self.shard.name, descriptor, os.fstat(descriptor).st_size, columns)
                if self.shard.adopted:
                    yield from check_adopted(tar, self.shard, part, told, look)
                    return
                yield from tar.members(first, last, told, look)
                if part == self.parts - 1:
                    yield from tar.end()
        except OSError as error:
            yield unreadable_file(self.shard.name, error)

    def _read(self, check: Callable[[], None]) -> _Rows:
        columns, summary, findings = self._columns()
        try:
            elsewhere = self._misplaced(columns, check)
            lost = [] if columns is None or elsewhere else list(self._cut(columns))
        except OSError as error:
            elsewhere, lost = [unreadable_file(self.shard.name, error)], []
        return _Rows(columns, (*findings, *elsewhere, *lost), summary, as_a_whole=bool(elsewhere))

    def _columns(self) -> tuple[MemberTable | None, ShardSummary | None, list[Finding]]:
        try:
            rows = verified_rows(self.dataset, self.shard)
            columns = None if rows is None else member_table(rows)
        except READ_ERRORS as error:
            return None, None, [self._damaged_rows(describe_error(error))]
        if rows is None or columns is None:
            return None, None, [self._damaged_rows("They are not those that were sealed.")]
        summary = ShardSummary(self.shard.name, tally_of(self.shard.split, rows), hash_keys(rows))
        findings = list(find_invalid_keys(self.shard, rows))
        gap = None if self.shard.adopted else find_gap(columns, self.shard.size)
        if gap is None:
            return columns, summary, findings
        text = f"The members of {self.shard.name} do not cover it byte for byte."
        return None, summary, [*findings, Finding(FindingKind.DISAGREES, self.shard.index, offset=gap, text=text)]

    def _damaged_rows(self, why: str) -> Finding:
        text = f"The rows of {self.shard.name} cannot be used. {why}"
        return Finding(FindingKind.TABLE, self.shard.index, text=text)

    def _misplaced(self, columns: MemberTable | None, check: Callable[[], None]) -> list[Finding]:
        """Compare the tar as a whole where its rows or its beginning say nothing good."""
        if columns is not None and (self.shard.adopted or self._begins_well(columns)):
            return []
        if self._path.lstat().st_size not in {each.size for each in self.dataset.shards}:
            return []  # no shard of the dataset, and perhaps a terabyte of nothing
        digest, _ = digest_file(self._path, check)
        there = self.names.get(digest)
        if there not in (None, self.shard.name):
            text = f"These are the bytes of {there}."
            return [
                Finding(FindingKind.MISPLACED, self.shard.name, expected=self.shard.blake3, found=digest, text=text)
            ]
        if columns is None and there is None:
            return [digest_mismatch(self.shard.name, self.shard.blake3, digest)]
        return []

    def _begins_well(self, columns: MemberTable) -> bool:
        if not len(columns):
            return True
        start = bytearray(BLOCK)
        with opened_fd(self._path) as descriptor:
            read_into(descriptor, memoryview(start), 0)
            size = os.fstat(descriptor).st_size
        return start == header(columns.names[0], columns.sizes[0]) and size == self.shard.size

    def _cut(self, columns: MemberTable) -> Iterator[Finding]:
        """The first sample that is cut off, by its key."""
        size = self._path.lstat().st_size
        whole = bisect_right(columns.ends, size)
        if size < self.shard.size and whole < len(columns):
            count = columns.samples(whole, len(columns))
            text = f"It was cut off, and with it {max(count, 1):,} samples from this one on."
            expected, found = f"{self.shard.size:,} bytes", f"{size:,}"
            yield Finding(FindingKind.SIZE, self.shard.name, columns.key(whole), size, expected, found, text)

    @property
    def _path(self) -> Path:
        return self.dataset.path(self.shard)


def _read_on(descriptor: int) -> None:
    """The kernel reads twice as far ahead then."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
