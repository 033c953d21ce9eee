"""Lock of the run folder: one job at a time, and a check that all its ranks see the same folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from trainer.distributed.world import World
from trainer.errors import Busy, UsageError

_LOCK = ".lock"
_POLL = 0.2


@contextmanager
def run_folder_lock(folder: Path, world: World, wait: float) -> Iterator[None]:
    """Rank 0 holds the lock, which the kernel drops when the process dies; the others hear whether it has it."""
    with _locked(folder, wait if world.is_main else None) as refusal:
        if world.broadcast_object(refusal):
            raise Busy(
                f"{folder}: another job is at work in this run folder, and it did not end within {wait:g} seconds. "
                "Wait for it, stop it, or name another folder with --run.folder."
            )
        _probe(folder, world)
        yield


@contextmanager
def _locked(folder: Path, wait: float | None) -> Iterator[bool]:
    """Whether another job has it; who is not to wait at all is not to ask."""
    if wait is None:
        yield False
        return
    descriptor = _opened(folder)
    try:
        yield not _taken(descriptor, wait)
    finally:
        os.close(descriptor)


def make_run_folder(folder: Path) -> None:
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _opened(folder: Path) -> int:
    make_run_folder(folder)
    with _writable(folder):
        return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{folder}: a run cannot write here ({error.strerror}). Name another folder with --run.folder."
        ) from None


def _taken(descriptor: int, wait: float) -> bool:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL)
        else:
            return True


def _probe(folder: Path, world: World) -> None:
    """Several nodes need one shared folder: rank 0 leaves a name there, and all must find it."""
    probe = folder / world.broadcast_object(f".probe-{uuid4().hex}")
    if world.is_main:
        probe.touch()
    world.all_true(True)  # it is there now  # noqa: FBT003
    seen = world.all_true(probe.exists())
    if world.is_main:
        probe.unlink()
    if not seen:
        raise UsageError(
            f"{folder}: not every rank sees what rank 0 writes there. Checkpoints need one folder that all machines of "
            "the job share: name one with --run.folder."
        )
