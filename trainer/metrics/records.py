"""Records of a run, and `metrics.jsonl`: one JSON record per line, written as soon as it is known.

Every sink gets the same plain mappings. Floats read back as the same bits, so that a resumed run can be compared with
an uninterrupted one, except for the fields in `CLOCK_FIELDS`. A killed run may leave half a line, and lines after its
last checkpoint: a reader skips the half, and a resumed run drops what it will do again.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from math import isfinite
from pathlib import Path
from typing import Any

from shardkit import ShardkitError, publish
from trainer.errors import NoSpace
from trainer.metrics.machine import SystemStats


@dataclass(frozen=True)
class StepMetrics:
    step: int
    """Rows done."""
    steps: int
    """Of how many in the run."""
    epoch: float
    loss: float
    terms: Mapping[str, float]
    """What it is the sum of, over the last row."""
    lr: float
    grad_norm: float
    samples: int
    seconds: float
    """Of these steps alone."""
    elapsed: float
    """Since the record before, validations and snapshots included."""
    waits: tuple[float, ...]
    """Seconds that each rank waited for its data in this time: from before a batch was asked for until it was there."""
    skipped: int
    """Updates that an fp16 overflow left out, of the whole run."""
    scale: float | None
    """Of fp16."""

    @property
    def samples_per_second(self) -> float:
        return self.samples / self.seconds if self.seconds > 0 else 0.0

    @property
    def data_wait(self) -> float:
        """The share of the time that the slowest rank waited: all others waited for it in turn."""
        return min(1.0, max(self.waits, default=0.0) / self.seconds) if self.seconds > 0 else 0.0

    @property
    def slowest(self) -> int:
        """The rank that waited most for its data."""
        return self.waits.index(max(self.waits)) if self.waits else 0


Record = dict[str, Any]

STEP, EVENT = "step", "event"

VALIDATIONS = ("subset", "full", "test")

CLOCK_FIELDS = frozenset(
    {
        "data_wait",
        "disk_mb_per_second",
        "eta_seconds",
        "gpu_utilisation",
        "io_wait",
        "memory_mb",
        "samples_per_second",
        "seconds",
        "time",
        "waits",
    }
)
"""What differs from run to run, however equal they are."""


def step_record(measured: StepMetrics, usage: SystemStats, eta: float | None) -> Record:
    return {
        "kind": STEP,
        "step": measured.step,
        "epoch": measured.epoch,
        "loss": measured.loss,
        "terms": dict(measured.terms),
        "lr": measured.lr,
        "grad_norm": measured.grad_norm,
        "skipped": measured.skipped,
        "scale": measured.scale,
        "samples_per_second": measured.samples_per_second,
        "seconds": measured.seconds,
        "data_wait": measured.data_wait,
        "waits": list(measured.waits),
        "memory_mb": usage.memory_mb,
        "gpu_utilisation": usage.gpu_utilisation,
        "io_wait": usage.io_wait,
        "disk_mb_per_second": usage.disk_mb_per_second,
        "eta_seconds": eta,
    }


def validation_record(step: int, kind: str, figures: Mapping[str, Any]) -> Record:
    return {"kind": kind, **figures, "step": step}


def event_record(name: str, facts: Mapping[str, Any]) -> Record:
    return {"kind": EVENT, "name": name, **facts}


def scalars(record: Mapping[str, Any]) -> dict[str, float]:
    """What can be drawn as a curve, by names like train/loss and full/tar/0.01; nothing of an event."""
    kind = record["kind"]
    if kind == EVENT:
        return {}
    figures = {name: each for name, each in record.items() if name not in {"kind", "step", "time", "power"}}
    return dict(_numbers("train" if kind == STEP else kind, figures))


def _numbers(prefix: str, value: object) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _numbers(f"{prefix}/{name}", each)
    elif isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        yield prefix, float(value)


METRICS_FILE = "metrics.jsonl"

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def read_records(path: Path) -> list[Record]:
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
