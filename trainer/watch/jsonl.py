"""`metrics.jsonl`: a record a line, there as soon as it is known, whatever happens to the process afterwards.

A killed run may leave half a line, and it has written further than its last checkpoint: who reads passes over the
half, and a run that goes on drops what it will do again.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import FileIO
from math import isfinite
from pathlib import Path
from typing import Any

from shardkit import ShardkitError, publish
from trainer.errors import NoSpace
from trainer.watch.entries import CLOCK_FIELDS, VALIDATIONS, Record

__all__ = ["CLOCK_FIELDS", "METRICS", "JsonLines", "records"]

METRICS = "metrics.jsonl"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def records(path: Path) -> list[Record]:
    """All whole records; none if there is no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return [record for _, record in _parsed(content)]


class JsonLines:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._validated: set[tuple[str, int]] = set()

    def keep_up_to(self, step: int) -> None:
        """Behind the checkpoint that a run goes on from. A record without a step belongs to none, and stays."""
        before = self._path.read_bytes() if self._path.exists() else b""
        kept = [(line, record) for line, record in _parsed(before) if record.get("step", 0) <= step]
        after = b"".join(line + b"\n" for line, _ in kept)
        if after != before:
            self.close()
            with publish(self._path) as file:
                file.write(after)
        self._validated = {(each["kind"], each["step"]) for _, each in kept if each.get("kind") in VALIDATIONS}

    def write(self, record: Record) -> None:
        """A validation that was stopped half-way is done again: what it had recorded is not recorded twice."""
        if (record["kind"], record.get("step")) in self._validated:
            return
        line = json.dumps(_strict(record), ensure_ascii=False, allow_nan=False, default=str)
        try:
            self._append(f"{line}\n".encode())
        except OSError as error:
            self.close()  # half of it may be there: what is written next begins behind it, anew
            refused = NoSpace if error.errno in _NO_SPACE else ShardkitError
            raise refused(
                f"{self._path}: {error.strerror}, so what this run does cannot be recorded. Mend that, then run the "
                "same command: it goes on from the last checkpoint."
            ) from error

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _append(self, line: bytes) -> None:
        self._file = self._file or self._opened()
        while line:
            line = line[self._file.write(line) :]

    def _opened(self) -> FileIO:
        """Behind half a line a new one begins."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(self._path, "a+")
        if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
            file.write(b"\n")
        return file


def _parsed(content: bytes) -> Iterator[tuple[bytes, Record]]:
    for line in content.splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and "kind" in record:
                yield line, record


def _strict(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """JSON knows no infinity: the norm of an overflow, for example, is recorded as null."""
    if isinstance(value, Mapping):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value
